import type { EntityManager } from 'typeorm';
import type { PredictionKey } from '../domain/admission.js';
import { placesParameter } from '../store/facts.js';
import { recordset } from '../store/rows.js';

export type Place = Pick<PredictionKey, 'predictionId' | 'day'>;

/** Statistics are made of what stays: score, version, timings, cost. */
const NOTHING = `request_id = '', routing_key = NULL, entities = NULL, outputs = CASE WHEN outputs IS NULL THEN NULL ELSE '{}'::jsonb END,
  features = CASE WHEN features IS NULL THEN NULL ELSE ''::bytea END, feature_extras = NULL, erased_at = now()`;
const ERASED_TEXT = `'""'::jsonb`;

/** Takes the values out of rows of predictions or shadows; how many there were. */
export async function eraseRows(manager: EntityManager, table: 'prediction' | 'prediction_shadow', places: readonly Place[]): Promise<number> {
  if (places.length === 0) return 0;
  const sql = `UPDATE ${table} t SET ${NOTHING} FROM ${recordset(1, { prediction_id: 'uuid', day: 'date' })} WHERE t.prediction_id = r.prediction_id AND t.day = r.day AND t.erased_at IS NULL`;
  const [, changed]: [unknown, number] = await manager.query(sql, [placesParameter(places)]);
  return changed;
}

/** Takes the entity out of correlations, nobody looks for their predictions any more, and text out of the outcomes that wait for them. */
export async function eraseCorrelations(manager: EntityManager, ids: readonly string[]): Promise<{ outcomes: number; messages: number }> {
  if (ids.length === 0) return { outcomes: 0, messages: 0 };
  await manager.query(`UPDATE correlation SET entity_id = '', next_look_at = 'infinity' WHERE correlation_id = ANY($1)`, [ids]);
  return eraseOutcomesOf(manager, ids);
}

/** Takes text, and the events' own ids, out of everything that was said about these predictions, and out of what waits to be told of them. */
export async function eraseOutcomesOf(manager: EntityManager, ids: readonly string[]): Promise<{ outcomes: number; messages: number }> {
  if (ids.length === 0) return { outcomes: 0, messages: 0 };
  const [, outcomes]: [unknown, number] = await manager.query(
    `UPDATE outcome SET event_id = '', value = CASE jsonb_typeof(value) WHEN 'string' THEN ${ERASED_TEXT} ELSE value END
     WHERE subject_id = ANY($1) AND (event_id <> '' OR jsonb_typeof(value) = 'string' AND value <> ${ERASED_TEXT})`, [ids]);
  await manager.query(
    `UPDATE prediction_joined SET outcome = CASE jsonb_typeof(outcome) WHEN 'string' THEN ${ERASED_TEXT} ELSE outcome END,
       observed = CASE jsonb_typeof(observed) WHEN 'string' THEN ${ERASED_TEXT} ELSE observed END
     WHERE prediction_id = ANY($1) AND (jsonb_typeof(outcome) = 'string' OR jsonb_typeof(observed) = 'string')`, [ids]);
  return { outcomes, messages: await eraseMessages(manager, ids) };
}

/** Joins and dead letters that the relay has not published yet; what it is publishing at this moment is told as it was. */
async function eraseMessages(manager: EntityManager, ids: readonly string[]): Promise<number> {
  const rows: { id: string; value: Buffer | null }[] = await manager.query('SELECT id, value FROM outbox WHERE key = ANY($1::bytea[]) ORDER BY id', [ids.map((id) => Buffer.from(id))]);
  for (const { id, value } of rows) {
    if (value !== null) await manager.query('UPDATE outbox SET value = $2 WHERE id = $1', [id, Buffer.from(JSON.stringify(withoutValues(JSON.parse(value.toString()) as Told)))]);
  }
  return rows.length;
}

interface Told {
  readonly data?: Readonly<Record<string, unknown>>;
}

/** An `outcome.joined` or `outcome.observed` event without what names anybody. */
function withoutValues(event: Told): Told {
  const { entities: _, routingKey: __, ...data } = event.data ?? {};
  const texts = ['outcome', 'observed', 'value'].filter((name) => typeof data[name] === 'string');
  return { ...event, data: { ...data, ...('requestId' in data ? { requestId: '' } : {}), ...Object.fromEntries(texts.map((name) => [name, ''])) } };
}
