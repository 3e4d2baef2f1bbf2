import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How often a backtest was begun, which is also who may write to it, and how often its process was lost. */
export class BacktestAttempts1764431000000 implements MigrationInterface {
  readonly name = 'BacktestAttempts1764431000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE backtest ADD COLUMN attempts integer NOT NULL DEFAULT 0, ADD COLUMN losses integer NOT NULL DEFAULT 0');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE backtest DROP COLUMN attempts, DROP COLUMN losses');
  }
}
