import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which days have left the ledger, and where their archive is. */
export class Retention1764382000000 implements MigrationInterface {
  readonly name = 'Retention1764382000000';

  async up(runner: QueryRunner): Promise<void> {
    // A day that comes back, after a replay of old answers, leaves again as a further part.
    await runner.query(`CREATE TABLE retired_day (
      day date NOT NULL,
      part integer NOT NULL,
      predictions bigint NOT NULL,
      contents text NOT NULL,
      files jsonb NOT NULL DEFAULT '[]',
      archived_at timestamptz,
      dropped_at timestamptz,
      PRIMARY KEY (day, part)
    )`);
    await runner.query('CREATE TABLE retention_sweep (id integer PRIMARY KEY CHECK (id = 1), swept_on date NOT NULL)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE retired_day, retention_sweep');
  }
}
