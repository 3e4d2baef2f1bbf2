import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The attempt that displaced an answer and left its outcome without a join: what is declared today, or the version that answered, makes nothing of it. Null
 * otherwise. Such a join is not lost.
 */
export class Unfit1764432000000 implements MigrationInterface {
  readonly name = 'Unfit1764432000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE outcome ADD COLUMN unfit_attempt bigint');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE outcome DROP COLUMN unfit_attempt');
  }
}
