import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Rollouts, the deployment revision of each of their steps, and what happened to them. */
export class Rollouts1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE rollouts (
        id uuid PRIMARY KEY, model text NOT NULL REFERENCES models, strategy text NOT NULL, champion integer NOT NULL, candidate integer NOT NULL,
        spec jsonb NOT NULL, base jsonb NOT NULL, status text NOT NULL, step integer NOT NULL, step_started_at timestamptz NOT NULL,
        breaches integer NOT NULL DEFAULT 0, judged_samples bigint NOT NULL DEFAULT 0, judged_at timestamptz,
        author text NOT NULL, reason text, started_at timestamptz NOT NULL, ended_at timestamptz, conclusion text,
        FOREIGN KEY (model, champion) REFERENCES versions, FOREIGN KEY (model, candidate) REFERENCES versions);
      CREATE UNIQUE INDEX rollouts_active ON rollouts (model) WHERE ended_at IS NULL;
      CREATE INDEX ON rollouts (model, started_at);
      CREATE TABLE rollout_steps (
        rollout_id uuid NOT NULL REFERENCES rollouts, step integer NOT NULL, model text NOT NULL, revision integer NOT NULL, started_at timestamptz NOT NULL,
        PRIMARY KEY (rollout_id, step), UNIQUE (model, revision));
      CREATE TABLE rollout_events (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, rollout_id uuid NOT NULL REFERENCES rollouts, at timestamptz NOT NULL, actor text NOT NULL,
        kind text NOT NULL, step integer NOT NULL, revision integer NOT NULL, reason text, verdicts jsonb, evidence jsonb);
      CREATE INDEX ON rollout_events (rollout_id, id)`);
    for (const table of ['rollout_steps', 'rollout_events']) {
      await runner.query(`CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE rollout_events, rollout_steps, rollouts');
  }
}
