import type { PredictionRecord, PredictionState } from './prediction.js';

/** What the narrow key table knows of a prediction. `awaited`: only outcomes so far. */
export interface PredictionKey {
  readonly predictionId: string;
  readonly state: PredictionState | 'awaited';
  /** The partition of its row; absent while awaited. */
  readonly day: string | undefined;
  readonly attempt: number;
  /** Revision of the last word that was told of it when a higher attempt took its join away. */
  readonly toldRevision?: number | undefined;
}

export interface Admission {
  readonly record: PredictionRecord;
  /** The row that a higher attempt displaces. */
  readonly replaces: PredictionKey | undefined;
  /** Outcomes came first and wait for it. */
  readonly awaited: boolean;
}

/**
 * Of several terminal events of one prediction in arrival order: the first of the highest attempt. Sorted by id, because every
 * transaction of the ledger locks keys in that order.
 */
export function firstOfHighestAttempt(records: readonly PredictionRecord[]): PredictionRecord[] {
  const best = new Map<string, PredictionRecord>();
  for (const record of records) {
    const known = best.get(record.predictionId);
    if (known === undefined || record.attempt > known.attempt) best.set(record.predictionId, record);
  }
  return [...best.values()].sort((a, b) => (a.predictionId < b.predictionId ? -1 : 1));
}

/** Whether a terminal event changes the ledger, given its prediction's key; `undefined` for a duplicate. */
export function admit(record: PredictionRecord, key: PredictionKey | undefined): Admission | undefined {
  if (key === undefined) return { record, replaces: undefined, awaited: false };
  if (key.state === 'awaited') return { record, replaces: undefined, awaited: true };
  if (record.attempt > key.attempt) return { record, replaces: key, awaited: false };
  return undefined;
}
