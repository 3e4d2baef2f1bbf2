import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Entities that were forgotten, and the indexes by which everything about one is found. */
export class Erasure1764300800002 implements MigrationInterface {
  readonly name = 'Erasure1764300800002';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [ERASURE, ROLES, INDEXES]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE erasure, entity_role');
    await runner.query('DROP INDEX prediction_by_routing_key, prediction_shadow_by_entity, prediction_shadow_by_routing_key, correlation_by_entity, prediction_erased, prediction_shadow_erased');
  }
}

/** `forms`: the entity itself, only until the work is done. `key_id`: which secret the fingerprints are made with. */
const ERASURE = `CREATE TABLE erasure (
  id uuid PRIMARY KEY,
  seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  state text NOT NULL,
  key_id text NOT NULL,
  fingerprints text[] NOT NULL,
  forms text[],
  entity_role text,
  model text,
  requested_at timestamptz NOT NULL,
  requested_by text NOT NULL,
  reason text NOT NULL,
  finished_at timestamptz,
  predictions bigint NOT NULL DEFAULT 0,
  shadows bigint NOT NULL DEFAULT 0,
  outcomes bigint NOT NULL DEFAULT 0,
  correlations bigint NOT NULL DEFAULT 0,
  messages bigint NOT NULL DEFAULT 0,
  queries bigint NOT NULL DEFAULT 0
)`;

/** Every role that any row has: the index of entities answers for one role at a time. */
const ROLES = `CREATE TABLE entity_role (role text PRIMARY KEY);
INSERT INTO entity_role SELECT jsonb_object_keys(entities) FROM prediction UNION SELECT jsonb_object_keys(entities) FROM prediction_shadow`;

const INDEXES = `CREATE INDEX prediction_by_routing_key ON prediction (routing_key) WHERE routing_key IS NOT NULL;
CREATE INDEX prediction_shadow_by_entity ON prediction_shadow USING gin (entities jsonb_path_ops);
CREATE INDEX prediction_shadow_by_routing_key ON prediction_shadow (routing_key) WHERE routing_key IS NOT NULL;
CREATE INDEX prediction_erased ON prediction (prediction_id) WHERE erased_at IS NOT NULL;
CREATE INDEX prediction_shadow_erased ON prediction_shadow (prediction_id) WHERE erased_at IS NOT NULL;
CREATE INDEX correlation_by_entity ON correlation (entity_id)`;
