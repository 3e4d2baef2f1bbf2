import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When the brokers wrote an answer down: the end of its scoring, as far as anybody but its worker can tell. Null in rows from before. */
export class Published1764310000000 implements MigrationInterface {
  readonly name = 'Published1764310000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of ['prediction', 'prediction_shadow']) await runner.query(`ALTER TABLE ${table} ADD COLUMN published_at timestamptz`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['prediction', 'prediction_shadow']) await runner.query(`ALTER TABLE ${table} DROP COLUMN published_at`);
  }
}
