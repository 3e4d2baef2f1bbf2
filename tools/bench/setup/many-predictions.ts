import type pg from 'pg';
import { ARTIFACT_SHA256 } from './ledger-events.ts';
import { ENTITIES, ENTITY_ROLE, FEATURES, MODEL } from './requests.ts';

const ROWS_A_STATEMENT = 250_000;
/** One a core. */
const CONNECTIONS = 2;

/** Id of the prediction with this number: made the same way by PostgreSQL and here. */
export const MANY_ID_SQL = (number: string): string => `md5('many-' || ${number})::uuid`;

/**
 * Fills a ledger's tables with rows as the intake writes them (same columns, indexes, keys), without the hour that a topic of them would take:
 * what is measured afterwards is how the ledger does with so many.
 *
 * @param onRows called after each statement with the rows so far
 */
export async function fillPredictions(pool: pg.Pool, rows: number, onRows: (done: number) => void): Promise<void> {
  const { rows: versions } = await pool.query<{ id: number }>(`INSERT INTO served_version (model, version, artifact_sha256) VALUES ($1, '1', $2) RETURNING id`, [MODEL, ARTIFACT_SHA256]);
  const day = new Date().toISOString().slice(0, 10);
  let next = 1;
  let done = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    for (let from = next; from <= rows; from = next) {
      const to = Math.min(rows, from + ROWS_A_STATEMENT - 1);
      next = to + 1;
      await pool.query(PREDICTIONS_SQL, [from, to, day, versions[0]!.id]);
      await pool.query(`INSERT INTO prediction_key (prediction_id, state, day, attempt) SELECT ${MANY_ID_SQL('i')}, 'scored', $3, 0 FROM generate_series($1::bigint, $2::bigint) i ORDER BY 1`, [from, to, day]);
      onRows((done += to - from + 1));
    }
  }));
  await pool.query(`INSERT INTO tally (model, version, role, measure, count) VALUES ($1, '1', 'champion', 'scored', $2)`, [MODEL, rows]);
  // What a bulk load leaves behind for later is not what is measured: no ledger takes ten million rows in four minutes.
  await pool.query('VACUUM (ANALYZE) prediction, prediction_key');
  await pool.query('CHECKPOINT');
}

const FEATURE_BYTES = 8 * FEATURES;

const PREDICTIONS_SQL = `
  INSERT INTO prediction (prediction_id, day, state, attempt, request_source, request_id, lane, team, routing_key, entities, occurred_at, requested_at, answered_at, request_coordinates, answer_coordinates,
    worker, trace_id, span_id, parent_span_id, sampled, model, version, served_version_id, role, assignment_revision, outputs, score, features, feature_dtype, feature_age_seconds, timings_ms, batch_size, runtime, cost_micro_usd)
  SELECT ${MANY_ID_SQL('i')}, $3, 'scored', 0, '/bench', i::text, 'stream', 'bench', 'customer-' || i % ${ENTITIES}, jsonb_build_object('${ENTITY_ROLE}', 'customer-' || i % ${ENTITIES}),
    timestamptz '2001-02-03' + i * interval '10 ms', now(), now(), 'prediction.requested.v1/' || i % 4 || '/' || i / 4, 'prediction.scored.v1/' || i % 4 || '/' || i / 4,
    'bench-3001', md5(i::text), left(md5('s' || i), 16), '00f067aa0ba902b7', false, '${MODEL}', '1', $4, 'champion', 1, jsonb_build_object('probability', jsonb_build_array(i % 1000 / 1000.0)), i % 1000 / 1000.0,
    decode(left(repeat(md5(i::text), ${Math.ceil((FEATURE_BYTES * 2) / 32)}), ${FEATURE_BYTES * 2}), 'hex'), 8, '{"bench-view": 12.5}',
    '{"transport":1,"queue":0.112,"features":0.021,"preprocess":0.043,"inference":0.311,"postprocess":0.087,"total":1.574}', 16, 'onnxruntime-node 1.30.0 cpu, 1 thread', 0.000246
  FROM generate_series($1::bigint, $2::bigint) i`;
