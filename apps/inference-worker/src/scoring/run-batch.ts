import { toContractError } from '@throughline/contracts';
import { allocateColumns, packRow, sliceColumns } from '@throughline/features';
import { histogram, METRICS } from '@throughline/telemetry';
import type { OutputColumn } from '../domain/answer.js';
import { runBisecting } from '../domain/bisect.js';
import { reject, rejectPack } from '../domain/rejection.js';
import type { LoadedModel } from '../serving/loaded-model.js';
import type { LiveRow } from './rows.js';

/** One run of a model. */
export interface ScoredBatch {
  readonly outputs: readonly OutputColumn[];
  readonly size: number;
  readonly inferenceMs: number;
}

const computeSeconds = histogram(METRICS.computeSeconds);
const batchSizeRows = histogram(METRICS.batchSize);

/** Packs and scores the assembled rows of one version, in runs of at most its batch size; each row ends with its batch or a rejection. */
export async function runRows(model: LoadedModel, rows: readonly LiveRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += model.maxBatchSize) {
    await runChunk(model, rows.slice(start, start + model.maxBatchSize));
  }
}

async function runChunk(model: LoadedModel, candidates: readonly LiveRow[]): Promise<void> {
  const { plan } = model;
  const packed = allocateColumns(plan, candidates.length);
  const rows: LiveRow[] = [];
  for (const row of candidates) {
    const error = packRow(plan, packed, rows.length, row.assembled!.values);
    if (error === undefined) rows.push(row);
    else row.rejection = rejectPack(error);
  }
  if (rows.length === 0) return;
  const labels = { model: model.model, version: model.version };
  const parts = await runBisecting(0, rows.length, async (from, to): Promise<ScoredBatch> => {
    const isWhole = from === 0 && to === candidates.length;
    const { outputs, inferenceMs } = await model.run(isWhole ? packed : sliceColumns(plan, packed, from, to), to - from);
    computeSeconds.record(inferenceMs / 1000, labels);
    batchSizeRows.record(to - from, { model: model.model });
    return { outputs, size: to - from, inferenceMs };
  });
  for (const { from, to, result, error } of parts) {
    for (let at = from; at < to; at++) {
      const row = rows[at]!;
      if (result === undefined) row.rejection = reject('model_failed', toContractError(error).message);
      row.batch = result;
      row.batchRow = at - from;
    }
  }
}
