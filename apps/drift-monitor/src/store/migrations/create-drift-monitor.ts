import type { MigrationInterface, QueryRunner } from 'typeorm';

export class DriftMonitor1700000002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE baseline (
        model text NOT NULL, version text NOT NULL,
        feature_names jsonb NOT NULL, is_classifier boolean NOT NULL, metrics jsonb NOT NULL, profile jsonb,
        PRIMARY KEY (model, version));

      -- How far event time has come; locking the row makes writers of one version and kind take turns.
      CREATE TABLE watermark (
        kind text NOT NULL, model text NOT NULL, version text NOT NULL, event_time_ms bigint NOT NULL,
        late bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (kind, model, version));

      CREATE TABLE live_window (
        kind text NOT NULL, model text NOT NULL, version text NOT NULL, start_ms bigint NOT NULL,
        length_ms bigint NOT NULL, counts jsonb NOT NULL, events bigint NOT NULL DEFAULT 0,
        judgements jsonb, judged_at timestamptz,
        PRIMARY KEY (kind, model, version, start_ms));
      CREATE INDEX live_window_open ON live_window (kind, model, version, start_ms) WHERE judgements IS NULL;

      -- Ids counted in windows that are still open: after that a second copy is late, and late ones are not counted.
      CREATE TABLE counted (
        kind text NOT NULL, prediction_id uuid NOT NULL, model text NOT NULL, version text NOT NULL, start_ms bigint NOT NULL,
        PRIMARY KEY (kind, prediction_id));
      CREATE INDEX counted_by_window ON counted (kind, model, version, start_ms);

      CREATE TABLE alert (
        alert_id uuid PRIMARY KEY, model text NOT NULL, raised_at timestamptz NOT NULL, alert jsonb NOT NULL);
      CREATE INDEX alert_by_model ON alert (model, raised_at DESC);`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE alert, counted, live_window, watermark, baseline');
  }
}
