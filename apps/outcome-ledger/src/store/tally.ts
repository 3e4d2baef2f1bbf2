import type { EntityManager } from 'typeorm';
import { sumOfCounts, type Count } from '../domain/tally.js';
import { insertRows } from './rows.js';

const COLUMNS = { model: 'text', version: 'text', role: 'text', measure: 'text', count: 'bigint' } as const;

/** Adds to the tally. The last statement of a transaction: everybody writes these few rows, so they must not be held for long. */
export async function addToTally(manager: EntityManager, counts: readonly Count[]): Promise<void> {
  const conflict = 'ON CONFLICT (model, version, role, measure) DO UPDATE SET count = tally.count + excluded.count';
  await insertRows(manager, 'tally', COLUMNS, sumOfCounts(counts), conflict, 'ORDER BY model, version, role, measure');
}
