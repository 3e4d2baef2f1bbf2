import { setImmediate as otherWork } from 'node:timers/promises';
import { ContractError, toContractError, type GoldenInputs } from '@throughline/contracts';
import { assembleRow, describeGoldenMismatch, goldenMismatch, isPackError, type FeatureScalar, type GoldenColumn, type PackPlan } from '@throughline/features';
import type { PreparedBatch } from './prepared-batch.js';

/** A version, as far as its golden inputs are concerned. */
export interface GoldenSubject {
  readonly plan: PackPlan;
  readonly maxBatchSize: number;
  prepare(rowCount: number): PreparedBatch;
}

/**
 * Runs golden inputs the way requests run, all rows together and each alone, and holds the answers against what was promised.
 *
 * @throws ContractError `artifact_golden_mismatch` for the first row that is answered otherwise or not at all, `unavailable` when the version’s thread ended
 */
export async function checkGolden(subject: GoldenSubject, golden: GoldenInputs): Promise<void> {
  const { rows } = golden;
  const batchSize = Math.min(rows.length, subject.maxBatchSize);
  for (let from = 0; from < rows.length; from += batchSize) await checkRows(subject, golden, from, Math.min(from + batchSize, rows.length));
  if (batchSize === 1) return;
  for (let row = 0; row < rows.length; row++) {
    // Requests to other models may be waiting for this thread.
    await otherWork();
    await checkRows(subject, golden, row, row + 1);
  }
}

async function checkRows(subject: GoldenSubject, golden: GoldenInputs, from: number, to: number): Promise<void> {
  const rows = golden.rows.slice(from, to);
  const mismatch = goldenMismatch({ ...golden, rows }, await answersOf(subject, rows, from));
  if (mismatch === undefined) return;
  throw new ContractError('artifact_golden_mismatch', `${describeGoldenMismatch({ ...mismatch, row: from + mismatch.row })} (in a batch of ${rows.length})`);
}

async function answersOf(subject: GoldenSubject, rows: GoldenInputs['rows'], from: number): Promise<readonly GoldenColumn[]> {
  const batch = subject.prepare(rows.length);
  for (const [at, { values }] of rows.entries()) {
    const assembled = assembleRow(subject.plan, { named: undefined, positional: values.map((value) => (value ?? undefined) as FeatureScalar | undefined), stored: undefined });
    const error = isPackError(assembled) ? assembled : batch.add(assembled.values);
    if (error !== undefined) throw new ContractError('artifact_golden_mismatch', `golden row ${from + at} cannot be scored: ${error.reason}`);
  }
  try {
    return (await batch.run(0, rows.length)).outputs;
  } catch (thrown) {
    const { code, message } = toContractError(thrown);
    if (code !== 'model_failed') throw thrown;
    throw new ContractError('artifact_golden_mismatch', `the version fails on golden rows ${from} to ${from + rows.length - 1}: ${message}`, { cause: thrown });
  }
}
