import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When each scheduled model is next due. What a policy was given is kept as it was given, so that its defaults stay the code's. */
export class RetrainingSchedules1764300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE retraining_schedule (
      model text PRIMARY KEY REFERENCES retraining_policy, schedule json NOT NULL, next_due_at timestamptz NOT NULL)`);
    await runner.query('CREATE INDEX retraining_schedule_due ON retraining_schedule (next_due_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE retraining_schedule');
  }
}
