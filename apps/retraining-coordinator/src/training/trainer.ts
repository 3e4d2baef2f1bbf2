import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ContractError, type ErrorCode } from '@throughline/contracts';
import type { Stage } from '../domain/run.js';
import type { OnTrainingProgress, TrainedCandidate, TrainingJob } from './train-candidate.js';

export type ThreadMessage =
  | { readonly type: 'progress'; readonly stage: Stage; readonly fraction: number; readonly message: string }
  | { readonly type: 'candidate'; readonly candidate: TrainedCandidate }
  | { readonly type: 'error'; readonly code: ErrorCode; readonly message: string; readonly cure: string };

const HEAP_LIMIT_MIB = 2048;

/**
 * Runs `trainCandidate` in a thread of its own, which ends with this call: training blocks its thread for seconds, and the service has
 * leases and consumers to keep alive.
 *
 * @param signal ends the thread at once; rejects with its reason
 * @throws ContractError what the training says, `internal` when the thread dies
 */
export async function trainInThread(job: TrainingJob, onProgress: OnTrainingProgress, signal: AbortSignal): Promise<TrainedCandidate> {
  signal.throwIfAborted();
  // Under vitest sources run in place, but a thread of plain Node needs the compiled file.
  const script = new URL('./train-thread.js', import.meta.url).href.replace('/retraining-coordinator/src/', '/retraining-coordinator/dist/');
  const worker = new Worker(fileURLToPath(script), { workerData: job, transferList: [job.parquet], execArgv: [], resourceLimits: { maxOldGenerationSizeMb: HEAP_LIMIT_MIB } });
  const { promise, resolve, reject } = Promise.withResolvers<TrainedCandidate>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  worker.on('message', (message: ThreadMessage) => {
    if (message.type === 'progress') onProgress(message.stage, message.fraction, message.message);
    else if (message.type === 'candidate') resolve(message.candidate);
    else reject(new ContractError(message.code, message.message, { cure: message.cure }));
  });
  worker.once('error', (cause) => reject(new ContractError('internal', `the training thread failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })));
  worker.once('exit', (code) => reject(new ContractError('internal', `the training thread ended with code ${code} before it was done`)));
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', abort);
    await worker.terminate();
  }
}
