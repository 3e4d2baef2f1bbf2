import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Labels are counted from the index alone, so that counting ten million predictions reads none of their features. */
export class Labels1764381000000 implements MigrationInterface {
  readonly name = 'Labels1764381000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX prediction_by_event_time');
    await runner.query('CREATE INDEX prediction_by_event_time ON prediction (model, occurred_at, prediction_id) INCLUDE (version, state, day)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX prediction_by_event_time');
    await runner.query('CREATE INDEX prediction_by_event_time ON prediction (model, occurred_at, prediction_id)');
  }
}
