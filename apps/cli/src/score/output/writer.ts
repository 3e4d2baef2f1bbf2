import type { ResultColumn } from '../../domain/score/result-columns.js';

/** Values of a row, in the order of the columns. */
export type ResultRow = readonly unknown[];

/** Writes a whole table, block after block, as it comes. */
export type TableWriter = (file: string, columns: readonly ResultColumn[], blocks: AsyncIterable<readonly ResultRow[]>) => Promise<void>;
