import { readNumber } from '../pack/convert.js';
import { outputRow, type OutputValues } from '../pack/output-row.js';
import type { FeatureScalar } from '../windows/definition.js';

/** Rows with the outputs that a version must answer them with. */
export interface Golden {
  readonly rows: readonly GoldenRow[];
  readonly absoluteTolerance?: number | undefined;
  readonly relativeTolerance?: number | undefined;
}

export interface GoldenRow {
  /** In the order of the signature's features, complete. */
  readonly values: readonly (FeatureScalar | null)[];
  /** Output name to the values of the row, as on the wire. */
  readonly outputs: Readonly<Record<string, readonly unknown[]>>;
}

/** One output of all rows, row after row; BOOL as 0 and 1. */
export interface GoldenColumn extends OutputValues {
  readonly name: string;
}

export interface GoldenMismatch {
  /** From 0. */
  readonly row: number;
  readonly output: string;
  readonly got: readonly unknown[] | undefined;
  readonly promised: readonly unknown[];
}

export const GOLDEN_ABSOLUTE_TOLERANCE = 1e-5;
export const GOLDEN_RELATIVE_TOLERANCE = 1e-4;

/**
 * Holds answers against what was promised. A floating-point value g passes for p where |g − p| ≤ max(absoluteTolerance, relativeTolerance · |p|); NaN for
 * NaN and an infinity for itself; integers, text, true and false only as they are.
 *
 * @param outputs of the rows in their order
 * @returns the first value that fails, `undefined` if all pass
 */
export function goldenMismatch({ rows, absoluteTolerance = GOLDEN_ABSOLUTE_TOLERANCE, relativeTolerance = GOLDEN_RELATIVE_TOLERANCE }: Golden, outputs: readonly GoldenColumn[]): GoldenMismatch | undefined {
  const columns = new Map(outputs.map((output) => [output.name, output]));
  for (const [row, { outputs: promisedOutputs }] of rows.entries()) {
    for (const [output, promised] of Object.entries(promisedOutputs)) {
      const column = columns.get(output);
      const got = column === undefined ? undefined : outputRow(column, row);
      const isFloat = column?.datatype === 'FP32' || column?.datatype === 'FP64';
      const passes = got?.length === promised.length && got.every((value, at) => isSame(value, promised[at], isFloat, absoluteTolerance, relativeTolerance));
      if (!passes) return { row, output, got, promised };
    }
  }
  return undefined;
}

/** For a person: which row, which output, what it is and what was promised. */
export const describeGoldenMismatch = ({ row, output, got, promised }: GoldenMismatch): string =>
  `golden row ${row} answers “${output}” with ${got === undefined ? 'nothing' : JSON.stringify(got)}, not ${JSON.stringify(promised)} as promised`;

function isSame(got: number | string | boolean, promised: unknown, isFloat: boolean, absolute: number, relative: number): boolean {
  if (!isFloat) return String(got) === String(promised) && typeof got === 'boolean' === (typeof promised === 'boolean');
  const [a, b] = [readNumber(got), readNumber(promised as FeatureScalar)];
  if (a === undefined || b === undefined) return false;
  return Object.is(a, b) || (Number.isFinite(a) && Number.isFinite(b) && Math.abs(a - b) <= Math.max(absolute, relative * Math.abs(b)));
}
