import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Periods whose joins are told again, and under which id each join was last told. */
export class Rebuilds1764384000000 implements MigrationInterface {
  readonly name = 'Rebuilds1764384000000';

  async up(runner: QueryRunner): Promise<void> {
    // is_correction: as it was told. told_as: how the id under which it was last told goes on, where it is not the join's own.
    await runner.query('ALTER TABLE prediction_joined ADD COLUMN is_correction boolean NOT NULL DEFAULT false, ADD COLUMN told_as text');
    await runner.query(`CREATE TABLE rebuild (
      rebuild_id uuid PRIMARY KEY,
      model text NOT NULL,
      period_from timestamptz NOT NULL,
      period_to timestamptz NOT NULL,
      status text NOT NULL DEFAULT 'running',
      reason text,
      total bigint NOT NULL,
      seen bigint NOT NULL DEFAULT 0,
      unchanged bigint NOT NULL DEFAULT 0,
      corrected bigint NOT NULL DEFAULT 0,
      unjudged bigint NOT NULL DEFAULT 0,
      position_at timestamptz NOT NULL DEFAULT '-infinity',
      position_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
      requested_at timestamptz NOT NULL DEFAULT now(),
      ended_at timestamptz
    )`);
    await runner.query(`CREATE UNIQUE INDEX rebuild_running ON rebuild (model) WHERE status = 'running'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE rebuild');
    await runner.query('ALTER TABLE prediction_joined DROP COLUMN is_correction, DROP COLUMN told_as');
  }
}
