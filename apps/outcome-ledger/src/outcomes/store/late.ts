import type { EntityManager } from 'typeorm';
import type { PredictionRecord } from '../../domain/prediction.js';
import { insertRows, timestamp } from '../../store/rows.js';

const LOCK = `hashtext(current_schema() || '.maturity')`;
/** Whoever waits for this lock holds up all who write predictions down. */
const PATIENCE_MS = 1_000;

const LATE_COLUMNS = { model: 'text', occurred_at: 'timestamptz', prediction_id: 'uuid', day: 'date' } as const;

/**
 * How far, in event time, the sweep for mature predictions has announced to have come, by model. Until the transaction ends it announces nothing more: what
 * is written down in it is either before the sweep, or noted as late.
 */
export async function announcedAtMs(manager: EntityManager, models: readonly string[]): Promise<ReadonlyMap<string, number>> {
  await manager.query(`SELECT pg_advisory_xact_lock_shared(${LOCK})`);
  const rows: { model: string; announced_at: Date }[] = await manager.query(`SELECT model, announced_at FROM outcome_maturity WHERE model = ANY($1) AND announced_at > '-infinity'`, [models]);
  return new Map(rows.map(({ model, announced_at }) => [model, announced_at.getTime()]));
}

/** Notes predictions that the sweep has passed already. */
export async function noteLate(manager: EntityManager, records: readonly PredictionRecord[], announced: ReadonlyMap<string, number>): Promise<void> {
  if (announced.size === 0) return;
  const late = records.filter(({ answer, model, occurredAtMs }) => answer !== undefined && occurredAtMs <= (announced.get(model) ?? -Infinity));
  const rows = late.map(({ model, occurredAtMs, predictionId, day }) => ({ model, occurred_at: timestamp(occurredAtMs), prediction_id: predictionId, day }));
  await insertRows(manager, 'late_maturity', LATE_COLUMNS, rows, 'ON CONFLICT (model, occurred_at, prediction_id) DO UPDATE SET day = excluded.day', 'ORDER BY model, occurred_at, prediction_id');
}

/** Waits until nobody is writing predictions down, and holds up who wants to until the transaction ends. @throws ContractError when that takes too long */
export async function stopIntakeBriefly(manager: EntityManager): Promise<void> {
  await manager.query(`SET LOCAL lock_timeout = ${PATIENCE_MS}`);
  await manager.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
}
