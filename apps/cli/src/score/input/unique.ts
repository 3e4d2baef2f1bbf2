import { createHash } from 'node:crypto';
import { ContractError } from '@throughline/contracts';
import { textOf } from '../../domain/score/request-row.js';
import type { RowSource } from './source.js';

/**
 * Checks that a column can name the rows: every row has an id and no two share one. Holds eight bytes a row.
 *
 * @throws ContractError `invalid_request`
 */
export async function checkIds(source: RowSource, index: number): Promise<void> {
  const name = source.columns[index]!.name;
  const hashes = new BigUint64Array(source.rowCount);
  let row = 0;
  let known = 0;
  for await (const block of source.rows(new Set([name]))) {
    for (const { cells } of block) {
      row += 1;
      if (cells === undefined) continue;
      const id = textOf(cells[index]);
      if (id === undefined) throw new ContractError('invalid_request', `row ${row} has nothing in the column “${name}”, which is to name it`, { cure: 'Fill it, or leave --id-column away: the row’s number is its id then.' });
      hashes[known++] = createHash('sha1').update(id).digest().readBigUInt64LE();
    }
  }
  const sorted = hashes.subarray(0, known).sort();
  for (let next = 1; next < sorted.length; next += 1) {
    if (sorted[next] === sorted[next - 1]) throw new ContractError('invalid_request', `two rows have the same value in the column “${name}”, which is to name them`, { cure: 'Make it unique, or leave --id-column away.' });
  }
}
