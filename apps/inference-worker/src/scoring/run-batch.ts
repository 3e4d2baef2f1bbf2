import { toContractError, type ErrorCode } from '@throughline/contracts';
import { bulkHistogram, METRICS } from '@throughline/telemetry';
import { runBisecting } from '../domain/bisect.js';
import { reject, rejectPack, type Rejection } from '../domain/rejection.js';
import type { LoadedModel } from '../serving/loaded-model.js';
import type { Clock } from './clock.js';
import type { LiveRow, ScoredBatch } from './rows.js';

const computeSeconds = bulkHistogram(METRICS.computeSeconds);
const batchSizeRows = bulkHistogram(METRICS.batchSize);

/** Told how a version did, row by row, and why rows failed. */
export interface RunObserver {
  report(model: LoadedModel, succeeded: number, failed: number, code?: ErrorCode): void;
}

/** Packs and scores assembled rows of one version in one run; each row ends with its batch or a rejection. Never rejects. */
export async function runBatch(model: LoadedModel, candidates: readonly LiveRow[], clock: Clock, observer: RunObserver): Promise<void> {
  const startedMs = clock.steadyMs();
  const prepared = model.prepare(candidates.length);
  const rows: LiveRow[] = [];
  for (const row of candidates) {
    const error = prepared.add(row.assembled!.values);
    if (error === undefined) rows.push(row);
    else row.rejection = rejectPack(error);
  }
  if (rows.length === 0) return;
  const preprocessMs = clock.steadyMs() - startedMs;
  const compute = computeSeconds.with({ model: model.model, version: model.version });
  const sizes = batchSizeRows.with({ model: model.model });
  const parts = await runBisecting(0, rows.length, async (from, to): Promise<ScoredBatch> => {
    const { outputs, inferenceMs } = await prepared.run(from, to);
    compute.record(inferenceMs / 1000);
    sizes.record(to - from);
    return { outputs, size: to - from, preprocessMs, inferenceMs, startedMs, endedMs: clock.steadyMs() };
  });
  let failed = 0;
  let rejection: Rejection | undefined;
  for (const { from, to, result, error } of parts) {
    if (result === undefined) {
      failed += to - from;
      rejection = rejectFailure(error);
    }
    for (let at = from; at < to; at++) {
      const row = rows[at]!;
      if (result === undefined) row.rejection = rejection;
      row.batch = result;
      row.batchRow = at - from;
    }
  }
  observer.report(model, rows.length - failed, failed, rejection?.code);
}

/** What the runtime says of the row is the model's failure; that the model's thread is away is not. */
function rejectFailure(error: unknown): Rejection {
  const { code, message } = toContractError(error);
  return reject(code === 'unavailable' ? code : 'model_failed', message);
}
