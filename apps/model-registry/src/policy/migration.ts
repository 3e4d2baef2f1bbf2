import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Policies of models, every revision that ever held. */
export class ModelPolicies1764220000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE model_policies (
        model text NOT NULL REFERENCES models, revision integer NOT NULL CHECK (revision > 0), policy jsonb NOT NULL,
        author text NOT NULL, reason text, decided_at timestamptz NOT NULL, PRIMARY KEY (model, revision));
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON model_policies FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE model_policies');
  }
}
