import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What it takes to find predictions by what came of them, and questions that are asked again. */
export class Queries1764300800003 implements MigrationInterface {
  readonly name = 'Queries1764300800003';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [EVENT_TIME, INDEXES, SAVED]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE saved_query');
    await runner.query('DROP INDEX prediction_by_team, prediction_fallback, prediction_rejected, prediction_joined_wrong, prediction_joined_assumed');
    await runner.query('ALTER TABLE prediction_joined DROP COLUMN occurred_at');
  }
}

/** Of the prediction, so that few wrong ones among many are read in the order of the listing. */
const EVENT_TIME = `ALTER TABLE prediction_joined ADD COLUMN occurred_at timestamptz;
UPDATE prediction_joined j SET occurred_at = p.occurred_at FROM prediction p WHERE p.prediction_id = j.prediction_id AND p.day = j.day`;


/** Partial: what they leave out costs the intake nothing. */
const INDEXES = `CREATE INDEX prediction_by_team ON prediction (team, occurred_at, prediction_id) WHERE team IS NOT NULL;
CREATE INDEX prediction_fallback ON prediction (model, occurred_at, prediction_id) WHERE state = 'fallback';
CREATE INDEX prediction_rejected ON prediction (model, occurred_at, prediction_id) WHERE state = 'rejected';
CREATE INDEX prediction_joined_wrong ON prediction_joined (model, occurred_at, prediction_id) WHERE NOT correct;
CREATE INDEX prediction_joined_assumed ON prediction_joined (model, occurred_at, prediction_id) WHERE is_assumed`;

const SAVED = `CREATE TABLE saved_query (
  name text PRIMARY KEY,
  filter jsonb NOT NULL,
  author text NOT NULL,
  saved_at timestamptz NOT NULL DEFAULT now()
)`;
