import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What candidates would have done: jobs, their reports, and the file of each in pieces. */
export class Backtests1764371000000 implements MigrationInterface {
  readonly name = 'Backtests1764371000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(BACKTEST);
    await runner.query('CREATE INDEX backtest_by_time ON backtest (created_at DESC)');
    await runner.query(CHUNK);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE backtest_chunk, backtest');
  }
}

/** `heartbeat_at`: a running job whose process has not said for a while that it lives has lost it. */
const BACKTEST = `CREATE TABLE backtest (
  id uuid PRIMARY KEY,
  model text NOT NULL,
  request jsonb NOT NULL,
  status text NOT NULL,
  rows_total bigint,
  rows_done bigint NOT NULL DEFAULT 0,
  report jsonb,
  code text,
  reason text,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  heartbeat_at timestamptz
)`;

const CHUNK = `CREATE TABLE backtest_chunk (
  backtest_id uuid NOT NULL REFERENCES backtest ON DELETE CASCADE,
  part integer NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (backtest_id, part)
)`;
