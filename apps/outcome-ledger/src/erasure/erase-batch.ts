import type { EntityManager } from 'typeorm';
import { lockKeys } from '../store/keys.js';
import type { Entity } from './domain/entity.js';
import { eraseCorrelations, eraseOutcomesOf, eraseRows, type Place } from './erase-rows.js';
import { holds, Parameters } from './holding.js';

/** Rows whose values were removed, by what they are. */
export interface Erased {
  readonly predictions: number;
  readonly shadows: number;
  readonly outcomes: number;
  readonly correlations: number;
  /** That waited to be published. */
  readonly messages: number;
  /** Saved questions that named the entity; they are gone altogether. */
  readonly queries: number;
}

/** Where a saved query `q` may name an entity: as an id, as role and id, and as a routing key. */
export const NAMED_BY_QUERIES = [`(q.filter->>'entity')`, `substr(q.filter->>'entity', strpos(q.filter->>'entity', ':') + 1)`, `(q.filter->>'routingKey')`];

/** Locks are held for as long as this many rows take. */
export const BATCH_ROWS = 500;

/** Removes the values of some of what is about the entity and was requested until then; `isLast` when there is no more. */
export async function eraseBatch(manager: EntityManager, entity: Entity, until: Date, roles: readonly string[]): Promise<Erased & { isLast: boolean }> {
  const places = [...(await find(manager, 'prediction', entity, until, roles)), ...(await find(manager, 'prediction_shadow', entity, until, roles))];
  const ids = [...new Set(places.map(({ predictionId }) => predictionId))].sort();
  // Correlations before keys, as whoever takes outcomes in locks them.
  const correlationIds = await findCorrelations(manager, entity);
  // Joins under way have either been committed, or see what is left of the rows.
  await lockKeys(manager, ids);
  const predictions = await eraseRows(manager, 'prediction', places);
  const shadows = await eraseRows(manager, 'prediction_shadow', places);
  const ofPredictions = await eraseOutcomesOf(manager, ids);
  const queries = await eraseQueries(manager, entity);
  const ofCorrelations = await eraseCorrelations(manager, correlationIds);
  return {
    predictions, shadows, correlations: correlationIds.length, outcomes: ofPredictions.outcomes + ofCorrelations.outcomes, messages: ofPredictions.messages + ofCorrelations.messages,
    queries, isLast: places.length === 0 && correlationIds.length === 0,
  };
}

async function find(manager: EntityManager, table: 'prediction' | 'prediction_shadow', entity: Entity, until: Date, roles: readonly string[]): Promise<Place[]> {
  const parameters = new Parameters();
  const conditions = [holds(entity, roles, parameters), `p.requested_at <= ${parameters.add(until)}`];
  if (entity.model !== undefined) conditions.push(`p.model = ${parameters.add(entity.model)}`);
  const rows: { prediction_id: string; day: string }[] = await manager.query(
    `SELECT DISTINCT p.prediction_id, p.day::text FROM ${table} p WHERE ${conditions.join(' AND ')} LIMIT ${BATCH_ROWS}`, parameters.values);
  return rows.map(({ prediction_id, day }) => ({ predictionId: prediction_id, day }));
}

async function eraseQueries(manager: EntityManager, { forms }: Entity): Promise<number> {
  const named = NAMED_BY_QUERIES.map((text) => `${text} = ANY($1)`).join(' OR ');
  const [, removed]: [unknown, number] = await manager.query(`DELETE FROM saved_query q WHERE ${named}`, [forms]);
  return removed;
}

async function findCorrelations(manager: EntityManager, { forms, role, model }: Entity): Promise<string[]> {
  const rows: { correlation_id: string }[] = await manager.query(
    `SELECT correlation_id FROM correlation WHERE entity_id = ANY($1) AND ($2::text IS NULL OR entity_role = $2) AND ($3::text IS NULL OR model = $3)
     ORDER BY correlation_id LIMIT ${BATCH_ROWS} FOR UPDATE`, [forms, role, model]);
  return rows.map(({ correlation_id }) => correlation_id);
}
