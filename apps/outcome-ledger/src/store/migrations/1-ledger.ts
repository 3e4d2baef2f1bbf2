import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Every prediction with the features as used, every outcome, and the narrow table at which the two meet. */
export class Ledger1763700000000 implements MigrationInterface {
  readonly name = 'Ledger1763700000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [SERVED_VERSION, PREDICTION, SHADOW, KEY, ...KEY_PARTITIONS, OUTCOME, CORRELATION, JOINED, TALLY]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE tally, prediction_joined, correlation, outcome, prediction_key, prediction_shadow, prediction, served_version');
  }
}

/** The dictionary of feature sets: what the values of a version's predictions are called. `signature` is null until its deployment was seen. */
const SERVED_VERSION = `CREATE TABLE served_version (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  model text NOT NULL,
  version text NOT NULL,
  artifact_sha256 text NOT NULL,
  signature jsonb,
  UNIQUE (model, version, artifact_sha256)
)`;

/** Partitioned by the day of requested_at; partitions are made on demand and ahead (store/partitions.ts). */
const PREDICTION = `CREATE TABLE prediction (
  prediction_id uuid NOT NULL,
  day date NOT NULL,
  state text NOT NULL,
  attempt bigint NOT NULL,
  request_source text NOT NULL,
  request_id text NOT NULL,
  request_row bigint,
  lane text NOT NULL,
  team text,
  routing_key text,
  entities jsonb,
  occurred_at timestamptz NOT NULL,
  requested_at timestamptz NOT NULL,
  answered_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  request_coordinates text,
  answer_coordinates text NOT NULL,
  worker text NOT NULL,
  trace_id text,
  span_id text,
  sampled boolean,
  model text NOT NULL,
  version text,
  served_version_id integer,
  role text,
  assignment_revision bigint,
  outputs jsonb,
  score double precision,
  features bytea,
  feature_dtype smallint,
  feature_extras jsonb,
  feature_age_seconds jsonb,
  defaulted jsonb,
  timings_ms jsonb,
  batch_size bigint,
  runtime text,
  cost_micro_usd double precision,
  fallback_kind text,
  fallback_reason text,
  code text,
  reason text,
  PRIMARY KEY (prediction_id, day)
) PARTITION BY RANGE (day);
CREATE INDEX prediction_by_event_time ON prediction (model, occurred_at, prediction_id);
CREATE INDEX prediction_by_entity ON prediction USING gin (entities jsonb_path_ops)`;

/** What shadows would have answered, apart from what was answered. */
const SHADOW = `CREATE TABLE prediction_shadow (LIKE prediction INCLUDING DEFAULTS, PRIMARY KEY (prediction_id, day, version)) PARTITION BY RANGE (day)`;

/** Its row lock serialises both sides of the join; \`day\` finds the partition. \`awaited\`: only outcomes so far. */
const KEY = `CREATE TABLE prediction_key (
  prediction_id uuid PRIMARY KEY,
  state text NOT NULL,
  day date,
  attempt bigint NOT NULL
) PARTITION BY HASH (prediction_id)`;
const KEY_MODULUS = 8;
const KEY_PARTITIONS = Array.from({ length: KEY_MODULUS }, (_, remainder) =>
  `CREATE TABLE prediction_key_${remainder} PARTITION OF prediction_key FOR VALUES WITH (MODULUS ${KEY_MODULUS}, REMAINDER ${remainder}) WITH (fillfactor = 90)`);

/** Append-only: a correction is a further row. subject_id is the prediction, or the correlation while that is unresolved. */
const OUTCOME = `CREATE TABLE outcome (
  subject_id uuid NOT NULL,
  source text NOT NULL,
  sequence bigint NOT NULL,
  value jsonb NOT NULL,
  occurred_at timestamptz NOT NULL,
  observed_at timestamptz,
  received_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  event_source text NOT NULL,
  event_id text NOT NULL,
  coordinates text NOT NULL,
  trace_id text,
  span_id text,
  sampled boolean,
  PRIMARY KEY (subject_id, source, sequence)
)`;

/** Outcomes that name an entity and a window; prediction_id once found. */
const CORRELATION = `CREATE TABLE correlation (
  correlation_id uuid PRIMARY KEY,
  model text NOT NULL,
  entity_role text NOT NULL,
  entity_id text NOT NULL,
  window_from timestamptz NOT NULL,
  window_to timestamptz NOT NULL,
  prediction_id uuid,
  attempts integer NOT NULL DEFAULT 0,
  next_look_at timestamptz NOT NULL
);
CREATE INDEX correlation_to_look_for ON correlation (next_look_at) WHERE prediction_id IS NULL`;

/** The outcome that holds, one row a joined prediction. Partitioned as predictions are. */
const JOINED = `CREATE TABLE prediction_joined (
  prediction_id uuid NOT NULL,
  day date NOT NULL,
  attempt bigint NOT NULL,
  model text NOT NULL,
  version text NOT NULL,
  role text NOT NULL,
  is_fallback boolean NOT NULL,
  score double precision,
  outcome jsonb NOT NULL,
  outcome_number double precision,
  outcome_source text NOT NULL,
  outcome_sequence bigint NOT NULL,
  outcome_occurred_at timestamptz NOT NULL,
  delay_seconds double precision NOT NULL,
  error double precision,
  correct boolean,
  joined_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (prediction_id, day)
) PARTITION BY RANGE (day);
CREATE INDEX prediction_joined_recent ON prediction_joined (model, version, joined_at)`;

/** Counts, changed in the transaction of what they count; summed instead of counting rows. */
const TALLY = `CREATE TABLE tally (
  model text NOT NULL,
  version text NOT NULL,
  role text NOT NULL,
  measure text NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (model, version, role, measure)
) WITH (fillfactor = 50)`;
