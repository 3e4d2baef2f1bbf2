import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The length of windows is a model's own, and may change. */
export class WindowLengths1764230000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- How long windows are, and from which event time on: [{"fromMs", "lengthMs"}], oldest first.
      ALTER TABLE watermark ADD COLUMN lengths jsonb;
      UPDATE watermark SET lengths = (
        SELECT jsonb_build_array(jsonb_build_object('fromMs', -8640000000000000, 'lengthMs', length_ms)) FROM live_window
        WHERE live_window.model = watermark.model AND live_window.kind = ANY(CASE watermark.kind WHEN 'data' THEN ARRAY['data', 'serving'] ELSE ARRAY['quality'] END)
        ORDER BY start_ms DESC LIMIT 1);
      -- Everything came late: there are no windows to fit in with.
      DELETE FROM watermark WHERE lengths IS NULL;
      ALTER TABLE watermark ALTER COLUMN lengths SET NOT NULL;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE watermark DROP COLUMN lengths');
  }
}
