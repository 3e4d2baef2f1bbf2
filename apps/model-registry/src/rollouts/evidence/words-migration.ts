import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Of an outcome it is kept which word on its prediction it was and what it has added, so that exactly that can be taken out. Null where it was counted before this. */
export class LastWords1764440000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE rollout_outcomes ADD COLUMN IF NOT EXISTS revision integer, ADD COLUMN IF NOT EXISTS step integer, ADD COLUMN IF NOT EXISTS arm text,
        ADD COLUMN IF NOT EXISTS cluster smallint, ADD COLUMN IF NOT EXISTS amounts jsonb;
      CREATE INDEX IF NOT EXISTS rollout_outcomes_by_prediction ON rollout_outcomes (id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX rollout_outcomes_by_prediction;
      DELETE FROM rollout_outcomes WHERE stream = 'none';
      ALTER TABLE rollout_outcomes DROP COLUMN revision, DROP COLUMN step, DROP COLUMN arm, DROP COLUMN cluster, DROP COLUMN amounts`);
  }
}
