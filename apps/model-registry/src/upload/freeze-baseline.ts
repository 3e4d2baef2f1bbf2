import { Worker } from 'node:worker_threads';
import { ContractError, type ErrorCode } from '@throughline/contracts';
import type { FreezeBaseline } from './register-version.js';

/** What the thread answers. */
export type FreezeAnswer = { readonly profile: object } | { readonly code: ErrorCode; readonly reason: string; readonly cure: string };

const MEMORY_LIMIT_MIB = 1024;
const TIME_LIMIT_MS = 120_000;
/** A profile travels in every deployment event of its version. */
const MAX_PROFILE_BYTES = 700 * 1024;

/**
 * Freezes a baseline in a thread of its own, bounded in memory and time: a reference is as large, and as untrusted, as its sender likes, and
 * requests go on meanwhile.
 *
 * @throws ContractError `invalid_request`
 */
export const freezeBaseline: FreezeBaseline = async (path, signature) => {
  // Sources run in place under vitest, but a plain thread needs the compiled file.
  const script = new URL(new URL('./freeze-thread.js', import.meta.url).href.replace('/model-registry/src/', '/model-registry/dist/'));
  const thread = new Worker(script, { workerData: { path, signature }, env: {}, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: MEMORY_LIMIT_MIB } });
  const answer = await answerOf(thread);
  if ('code' in answer) throw new ContractError(answer.code, answer.reason, { cure: answer.cure });
  const sizeBytes = Buffer.byteLength(JSON.stringify(answer.profile));
  if (sizeBytes > MAX_PROFILE_BYTES) throw tooMuch(`its profile has ${sizeBytes} bytes, more than the ${MAX_PROFILE_BYTES} that a deployment event can carry`);
  return answer.profile;
};

async function answerOf(thread: Worker): Promise<FreezeAnswer> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<FreezeAnswer>((resolve, reject) => {
      timer = setTimeout(() => reject(tooMuch(`it was not read within ${TIME_LIMIT_MS} ms`)), TIME_LIMIT_MS);
      thread.once('message', (message) => resolve(message as FreezeAnswer));
      thread.once('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooMuch(`reading it takes more than ${MEMORY_LIMIT_MIB} MiB`) : error));
      thread.once('exit', () => reject(new Error('the thread ended without an answer')));
    });
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}

const tooMuch = (reason: string): ContractError => new ContractError('invalid_request', `reference: ${reason}`, { cure: 'Send a random sample, or fewer features.' });
