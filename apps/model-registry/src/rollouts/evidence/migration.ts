import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What rollouts have seen. Rows of sums are updated often: the free space in their pages lets them stay where they are. */
export class RolloutEvidence1764230000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE rollout_sums (
        rollout_id uuid NOT NULL, step integer NOT NULL, arm text NOT NULL, measure text NOT NULL, cluster smallint NOT NULL,
        count bigint NOT NULL, sum double precision NOT NULL, PRIMARY KEY (rollout_id, step, arm, measure, cluster)) WITH (fillfactor = 60);
      CREATE TABLE rollout_bins (
        rollout_id uuid NOT NULL, step integer NOT NULL, arm text NOT NULL, histogram text NOT NULL, bin integer NOT NULL,
        count bigint NOT NULL, PRIMARY KEY (rollout_id, step, arm, histogram, bin)) WITH (fillfactor = 60);
      CREATE TABLE rollout_positions (
        topic text NOT NULL, partition integer NOT NULL, next_offset bigint NOT NULL, timestamp_ms bigint NOT NULL, PRIMARY KEY (topic, partition)) WITH (fillfactor = 60);
      CREATE TABLE rollout_counted (
        stream text NOT NULL, rollout_id uuid NOT NULL, id bigint NOT NULL, position bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (stream, rollout_id, id));
      CREATE INDEX ON rollout_counted (position);
      CREATE TABLE rollout_outcomes (
        stream text NOT NULL, rollout_id uuid NOT NULL, id bigint NOT NULL, outcome double precision, position bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (stream, rollout_id, id));
      CREATE INDEX ON rollout_outcomes (position);
      CREATE TABLE rollout_disagreements (
        rollout_id uuid NOT NULL, prediction_id uuid NOT NULL, step integer NOT NULL, champion_score double precision NOT NULL, candidate_score double precision NOT NULL,
        difference double precision NOT NULL, decisions_differ boolean, entities jsonb, occurred_at timestamptz NOT NULL, PRIMARY KEY (rollout_id, prediction_id));
      CREATE INDEX ON rollout_disagreements (rollout_id, abs(difference));
      CREATE TABLE rollout_points (
        rollout_id uuid NOT NULL, measure text NOT NULL, outcomes bigint NOT NULL, at timestamptz NOT NULL, difference double precision NOT NULL,
        low double precision NOT NULL, high double precision NOT NULL, PRIMARY KEY (rollout_id, measure, outcomes))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE rollout_points, rollout_disagreements, rollout_outcomes, rollout_counted, rollout_positions, rollout_bins, rollout_sums');
  }
}
