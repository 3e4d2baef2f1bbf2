import type { EntityManager } from 'typeorm';
import type { Spending } from '../costs/domain/spending.js';
import { addToSpending } from '../costs/spending-store.js';
import { sumOfCounts, type BookEntry, type Count } from '../domain/tally.js';
import { insertRows } from './rows.js';

const COLUMNS = { model: 'text', version: 'text', role: 'text', measure: 'text', count: 'bigint' } as const;

/** Adds to the tally and to the books of money. The last statement of a transaction: everybody writes these few rows, so they must not be held for long. */
export async function addToTally(manager: EntityManager, entries: readonly BookEntry[]): Promise<void> {
  const conflict = 'ON CONFLICT (model, version, role, measure) DO UPDATE SET count = tally.count + excluded.count';
  const counts = entries.filter((entry): entry is Count => 'measure' in entry);
  await insertRows(manager, 'tally', COLUMNS, sumOfCounts(counts), conflict, 'ORDER BY model, version, role, measure');
  await addToSpending(manager, entries.filter((entry): entry is Spending => !('measure' in entry)));
}
