import { ContractError } from '@throughline/contracts';
import type { Column, InputRow } from '../../domain/score/rows.js';

/** A table in a file, read from its beginning as often as needed, a block of rows at a time. */
export interface RowSource {
  readonly columns: readonly Column[];
  readonly rowCount: number;
  /**
   * All rows in their order.
   *
   * @param needed columns whose cells are wanted; those of others may be undefined
   */
  rows(needed: ReadonlySet<string>): AsyncGenerator<readonly InputRow[]>;
}

/** Rows a block: enough to make the price of an asynchronous step small. */
export const BLOCK_ROWS = 1000;
/** A line or record of more is no row: without a bound one quote too few would read the file into memory. */
export const ROW_MAX_CHARACTERS = 1024 * 1024;

export const cannotRead = (file: string, reason: string, cure: string): ContractError => new ContractError('invalid_request', `cannot read ${file}: ${reason}`, { cure });
