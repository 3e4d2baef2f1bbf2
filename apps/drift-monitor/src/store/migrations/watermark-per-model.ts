import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Event time a model, not a version; windows counted by the rules before do not compare with those after. Alerts stay. */
export class WatermarkPerModel1700000003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      TRUNCATE live_window, counted;
      DROP TABLE watermark;

      -- How far event time has come; locking the row makes those who count and judge one kind of window of a model take turns.
      CREATE TABLE watermark (
        kind text NOT NULL, model text NOT NULL, event_time_ms bigint NOT NULL,
        late bigint NOT NULL DEFAULT 0,
        -- Windows that start earlier were judged and deleted.
        forgotten_before_ms bigint,
        PRIMARY KEY (kind, model));

      DROP INDEX live_window_open;
      CREATE INDEX live_window_open ON live_window (kind, model, start_ms) WHERE judgements IS NULL;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      TRUNCATE live_window, counted;
      DROP TABLE watermark;
      CREATE TABLE watermark (
        kind text NOT NULL, model text NOT NULL, version text NOT NULL, event_time_ms bigint NOT NULL, late bigint NOT NULL DEFAULT 0, PRIMARY KEY (kind, model, version));
      DROP INDEX live_window_open;
      CREATE INDEX live_window_open ON live_window (kind, model, version, start_ms) WHERE judgements IS NULL;`);
  }
}
