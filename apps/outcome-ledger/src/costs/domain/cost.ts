import type { PredictionRecord } from '../../domain/prediction.js';

/** What resources are reckoned at, in millionths of a dollar. */
export interface Prices {
  /** A read of one feature view for one prediction. */
  readonly featureReadMicroUsd: number;
  /** A gigabyte (10⁹ bytes) kept for a month (30 days). */
  readonly storageGbMonthMicroUsd: number;
  /** How long the ledger keeps a prediction; 0: for ever, reckoned as `FOR_EVER_DAYS`. */
  readonly retentionDays: number;
}

/** Estimates, in millionths of a dollar. */
export interface PredictionCost {
  /** The worker's: the row's part of its run's time; `undefined` where the answer carries none. */
  readonly computeMicroUsd: number | undefined;
  readonly featuresMicroUsd: number;
  readonly storageMicroUsd: number;
  /** The sum of what is known. */
  readonly totalMicroUsd: number;
}

/** What one answer took. */
export interface Usage {
  readonly computeMicroUsd: number | undefined;
  /** Feature views that were read. */
  readonly viewsRead: number;
  readonly sizeBytes: number;
}

/** Storage without an end has no price; this much of it is reckoned. */
export const FOR_EVER_DAYS = 365;
const MONTH_DAYS = 30;
const GIGABYTE = 1e9;

/**
 * Compute as the worker measured it, reads of features at a price each, and the bytes of the row for as long as it is kept:
 * bytes / 10⁹ × price of a gigabyte-month × days / 30. Network, the brokers and what nobody measures are not in it: an estimate from below.
 */
export function costOf({ computeMicroUsd, viewsRead, sizeBytes }: Usage, { featureReadMicroUsd, storageGbMonthMicroUsd, retentionDays }: Prices): PredictionCost {
  const featuresMicroUsd = viewsRead * featureReadMicroUsd;
  const months = (retentionDays === 0 ? FOR_EVER_DAYS : retentionDays) / MONTH_DAYS;
  const storageMicroUsd = (sizeBytes / GIGABYTE) * storageGbMonthMicroUsd * months;
  return { computeMicroUsd, featuresMicroUsd, storageMicroUsd, totalMicroUsd: (computeMicroUsd ?? 0) + featuresMicroUsd + storageMicroUsd };
}

/** Tuple, fixed columns, the key table and the indexes of a row; texts and features come on top. Measured on PostgreSQL 18: 1,056 bytes a row of ten features in all. */
const ROW_BYTES = 870;

/** Bytes that a row takes in the ledger, with its indexes; estimated, since measuring it would cost a read. */
export function sizeBytesOf(row: { readonly featureBytes: number; readonly viewsRead: number; readonly texts: readonly (string | undefined)[] }): number {
  const textBytes = row.texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  return ROW_BYTES + row.featureBytes + row.viewsRead * VIEW_BYTES + textBytes;
}
/** Name and age of a view in `feature_age_seconds`. */
const VIEW_BYTES = 24;

/** What a record's answer took; `undefined` for a rejection, which nobody measured. */
export function usageOf({ answer, requestSource, requestId, routingKey, requestCoordinates, worker }: PredictionRecord): Usage | undefined {
  if (answer === undefined) return undefined;
  const viewsRead = keyCount(answer.ageSeconds);
  const texts = [requestSource, requestId, routingKey, requestCoordinates, worker, answer.runtime];
  return { computeMicroUsd: answer.costMicroUsd, viewsRead, sizeBytes: sizeBytesOf({ featureBytes: answer.features.bytes.length, viewsRead, texts }) };
}

function keyCount(record: Readonly<Record<string, unknown>> | undefined): number {
  let count = 0;
  for (const _ in record) count++;
  return count;
}
