import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What models declare of their outcomes, and how far those that did not come have been looked for. */
export class Declared1764380000000 implements MigrationInterface {
  readonly name = 'Declared1764380000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [DECLARATION, MATURITY, LATE]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE late_maturity, outcome_maturity, outcome_declaration');
  }
}

/** The newest of each model; kept when the model is no longer deployed. `declaration` is null where a deployment declares nothing. */
const DECLARATION = `CREATE TABLE outcome_declaration (
  model text PRIMARY KEY,
  revision bigint NOT NULL,
  declaration jsonb,
  updated_at timestamptz NOT NULL
)`;

/**
 * Event times of a model. Predictions up to announced_at that come from now on are noted in late_maturity; those up to (done_at, done_id) that
 * were there have been looked at. Between the two the sweep has work to do.
 */
const MATURITY = `CREATE TABLE outcome_maturity (
  model text PRIMARY KEY,
  announced_at timestamptz NOT NULL DEFAULT '-infinity',
  done_at timestamptz NOT NULL DEFAULT '-infinity',
  done_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'
)`;

/** Predictions that came when the sweep had passed their event time. */
const LATE = `CREATE TABLE late_maturity (
  model text NOT NULL,
  occurred_at timestamptz NOT NULL,
  prediction_id uuid NOT NULL,
  day date NOT NULL,
  PRIMARY KEY (model, occurred_at, prediction_id)
)`;
