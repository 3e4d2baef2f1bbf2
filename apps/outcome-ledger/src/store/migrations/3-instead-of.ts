import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The version in whose place a fallback answered. Null in rows from before, and where nobody was there to ask. */
export class InsteadOf1764410000000 implements MigrationInterface {
  readonly name = 'InsteadOf1764410000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of ['prediction', 'prediction_shadow']) await runner.query(`ALTER TABLE ${table} ADD COLUMN fallback_instead_of text`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['prediction', 'prediction_shadow']) await runner.query(`ALTER TABLE ${table} DROP COLUMN fallback_instead_of`);
  }
}
