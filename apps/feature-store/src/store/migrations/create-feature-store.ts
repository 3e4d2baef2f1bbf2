import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateFeatureStore1700000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE feature_view (
      name text NOT NULL, version integer NOT NULL, definition json NOT NULL, defined_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (name, version))`);
    // A row without a state is one that is about to get its first event. Updates leave the key alone, hence room for them in place.
    await runner.query(`CREATE TABLE entity_state (
      view text NOT NULL, version integer NOT NULL, entity_id text NOT NULL,
      state json, current json, event_time_ms bigint, sequence bigint,
      PRIMARY KEY (view, version, entity_id)) WITH (fillfactor = 70)`);
    await runner.query(`CREATE TABLE partition_progress (
      partition integer PRIMARY KEY, next_offset bigint NOT NULL, last_timestamp_ms bigint NOT NULL)`);
    await runner.query(`CREATE TABLE seen_event (id uuid PRIMARY KEY, seen_at timestamptz NOT NULL DEFAULT now())`);
    await runner.query(`CREATE INDEX seen_event_seen_at ON seen_event (seen_at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE seen_event, partition_progress, entity_state, feature_view');
  }
}
