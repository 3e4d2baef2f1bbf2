import type { EntityManager } from 'typeorm';
import type { Spending } from '../costs/domain/spending.js';
import { ADD_SPENDING, admitTeams, spendingRows } from '../costs/spending-store.js';
import { sumOfCounts, type BookEntry, type Count } from '../domain/tally.js';
import { insertRows, recordset, rowsParameter } from './rows.js';

const COLUMNS = { model: 'text', version: 'text', role: 'text', measure: 'text', count: 'bigint' } as const;
const NAMES = Object.keys(COLUMNS).join(', ');
const SORTED = 'ORDER BY model, version, role, measure';
const ADD_UP = 'ON CONFLICT (model, version, role, measure) DO UPDATE SET count = tally.count + excluded.count';

/** One round trip: from the first of these rows until the transaction ends, all other batches wait, and each answer that is awaited costs a turn of a busy event loop. */
const ADD_BOTH = `WITH counted AS (INSERT INTO tally (${NAMES}) SELECT ${NAMES} FROM ${recordset(2, COLUMNS)} ${SORTED} ${ADD_UP}) ${ADD_SPENDING}`;

/** Adds to the tally and to the books of money. The last statement of a transaction: everybody writes these few rows, so they must not be held for long. */
export async function addToTally(manager: EntityManager, entries: readonly BookEntry[]): Promise<void> {
  const counts = sumOfCounts(entries.filter((entry): entry is Count => 'measure' in entry));
  const spending = spendingRows(entries.filter((entry): entry is Spending => !('measure' in entry)));
  if (spending.length === 0) return void (await insertRows(manager, 'tally', COLUMNS, counts, ADD_UP, SORTED));
  await admitTeams(manager, spending);
  await manager.query(ADD_BOTH, [rowsParameter(spending.map(({ row }) => row)), rowsParameter(counts)]);
}
