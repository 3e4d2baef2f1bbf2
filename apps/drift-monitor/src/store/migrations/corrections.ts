import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an outcome has added to its window is kept while the window can change. */
export class Corrections1764430000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Of kind 'quality': which word on the prediction it was (-1: without a number; null: counted before this was kept), and what it has added (nothing where delay_seconds is null).
      ALTER TABLE counted ADD COLUMN revision int, ADD COLUMN score float8, ADD COLUMN outcome float8, ADD COLUMN correct boolean, ADD COLUMN delay_seconds float8;

      -- Outcomes put in or taken out since it was judged.
      ALTER TABLE live_window ADD COLUMN amended bigint NOT NULL DEFAULT 0;

      ALTER TABLE watermark
        -- Windows that start earlier are closed for good: what was counted in them is not held.
        ADD COLUMN closed_before_ms bigint,
        -- Corrections that took out what was counted before, and those of something that was not held.
        ADD COLUMN corrected bigint NOT NULL DEFAULT 0, ADD COLUMN unheld bigint NOT NULL DEFAULT 0;
      UPDATE watermark SET closed_before_ms = (
        SELECT max(start_ms) + 1 FROM live_window WHERE kind = 'quality' AND model = watermark.model AND judgements IS NOT NULL) WHERE kind = 'quality';`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE watermark DROP COLUMN closed_before_ms, DROP COLUMN corrected, DROP COLUMN unheld;
      ALTER TABLE live_window DROP COLUMN amended;
      DELETE FROM counted USING live_window w WHERE counted.kind = 'quality' AND w.kind = 'quality' AND w.model = counted.model AND w.start_ms = counted.start_ms AND w.judgements IS NOT NULL;
      ALTER TABLE counted DROP COLUMN revision, DROP COLUMN score, DROP COLUMN outcome, DROP COLUMN correct, DROP COLUMN delay_seconds;`);
  }
}
