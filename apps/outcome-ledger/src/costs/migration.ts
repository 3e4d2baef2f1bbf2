import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What predictions cost and were worth, by day, and which teams have rows of their own. Stays when the predictions go. */
export class Spending1764370000000 implements MigrationInterface {
  readonly name = 'Spending1764370000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SPENDING);
    await runner.query(TEAM);
    await runner.query('ALTER TABLE prediction_joined ADD COLUMN team text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE prediction_joined DROP COLUMN team');
    await runner.query('DROP TABLE spending_team, spending');
  }
}

/** Few rows that every batch adds to: room on the page keeps an update from moving them. */
const SPENDING = `CREATE TABLE spending (
  day date NOT NULL,
  model text NOT NULL,
  version text NOT NULL,
  team text NOT NULL,
  role text NOT NULL,
  answers bigint NOT NULL,
  unmeasured bigint NOT NULL,
  compute_micro_usd double precision NOT NULL,
  features_micro_usd double precision NOT NULL,
  storage_micro_usd double precision NOT NULL,
  known bigint NOT NULL,
  valued bigint NOT NULL,
  value_micro_usd double precision NOT NULL,
  PRIMARY KEY (day, model, version, team, role)
) WITH (fillfactor = 50)`;

const TEAM = `CREATE TABLE spending_team (
  day date NOT NULL,
  team text NOT NULL,
  PRIMARY KEY (day, team)
)`;
