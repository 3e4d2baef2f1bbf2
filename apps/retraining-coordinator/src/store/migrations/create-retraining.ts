import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateRetraining1700000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE retraining_policy (model text PRIMARY KEY, policy json NOT NULL, updated_at timestamptz NOT NULL DEFAULT now())`);
    // The columns beside the document are what is searched by.
    await runner.query(`CREATE TABLE retraining_run (
      run_id uuid PRIMARY KEY, model text NOT NULL, status text NOT NULL, requested_at timestamptz NOT NULL, finished_at timestamptz, run json NOT NULL)`);
    await runner.query(`CREATE UNIQUE INDEX one_run_in_flight ON retraining_run (model) WHERE finished_at IS NULL`);
    await runner.query(`CREATE INDEX retraining_run_newest ON retraining_run (requested_at DESC, run_id)`);
    await runner.query(`CREATE TABLE retraining_candidate (
      run_id uuid PRIMARY KEY REFERENCES retraining_run, champion_version text NOT NULL,
      artifact bytea NOT NULL, metadata json NOT NULL, reference bytea NOT NULL, champion_metrics json NOT NULL)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE retraining_candidate, retraining_run, retraining_policy');
  }
}
