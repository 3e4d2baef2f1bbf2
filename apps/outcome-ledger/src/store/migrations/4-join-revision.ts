import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which word on its prediction a join is, so that consumers who are told in another order know what holds. */
export class JoinRevision1764420000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE prediction_joined ADD COLUMN revision integer');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE prediction_joined DROP COLUMN revision');
  }
}
