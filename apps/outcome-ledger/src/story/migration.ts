import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Every revision of every deployment that the ledger has heard of: what a story says of why that version answered, and of what changed since. */
export class Assignment1764400000000 implements MigrationInterface {
  readonly name = 'Assignment1764400000000';

  async up(runner: QueryRunner): Promise<void> {
    // `author` is null until the registry was asked: deployments do not say who decided them.
    await runner.query(`CREATE TABLE assignment (
      model text NOT NULL,
      revision bigint NOT NULL,
      decided_at timestamptz NOT NULL,
      content jsonb NOT NULL,
      author text,
      reason text,
      PRIMARY KEY (model, revision)
    )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE assignment');
  }
}
