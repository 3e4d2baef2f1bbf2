import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Labels are counted from the index alone, so that counting ten million predictions reads none of their features. By the dictionary's number of the version:
 * its name is as long as whoever pins one likes, and an index row is not.
 */
export class Labels1764381000000 implements MigrationInterface {
  readonly name = 'Labels1764381000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX prediction_by_event_time');
    await runner.query('CREATE INDEX prediction_by_event_time ON prediction (model, occurred_at, prediction_id) INCLUDE (served_version_id, state, day)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX prediction_by_event_time');
    await runner.query('CREATE INDEX prediction_by_event_time ON prediction (model, occurred_at, prediction_id)');
  }
}
