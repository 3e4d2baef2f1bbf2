import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How far the words on a prediction were numbered when a higher attempt took its join away. Null where that never happened. */
export class ToldRevision1764433000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE prediction_key ADD COLUMN IF NOT EXISTS told_revision integer');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE prediction_key DROP COLUMN told_revision');
  }
}
