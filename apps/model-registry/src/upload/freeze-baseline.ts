import { fork, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { resolve as absolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ContractError, type ErrorCode, type ModelSignature } from '@throughline/contracts';
import { residentBytes } from '@throughline/onnx';
import { tooMuch } from './reference/table.js';
import type { FreezeBaseline } from './register-version.js';

/** What the child is asked. */
export interface FreezeQuestion {
  readonly path: string;
  readonly signature: ModelSignature;
}
/** What it answers. */
export type FreezeAnswer = { readonly profile: object } | { readonly code: ErrorCode; readonly reason: string; readonly cure: string };

const MIB = 1024 ** 2;
const HEAP_LIMIT_MIB = 1024;
/** Resident: what decompression makes of a page lies outside the heap, and half a megabyte can become gigabytes. */
const MEMORY_LIMIT_BYTES = 1536 * MIB;
const MEMORY_WATCH_INTERVAL_MS = 25;
const TIME_LIMIT_MS = 120_000;

/**
 * Freezes a baseline in a process of its own, which is killed when it takes too much memory or time, and ends with this call in any case: a
 * reference is as large, and as untrusted, as its sender likes.
 *
 * @throws ContractError `invalid_request`
 */
export const freezeBaseline: FreezeBaseline = async (path, signature) => {
  const answer = await ask(startChild(), { path: absolute(path), signature });
  if ('code' in answer) throw new ContractError(answer.code, answer.reason, { cure: answer.cure });
  return answer.profile;
};

function startChild(): ChildProcess {
  // Sources run in place under vitest, but a plain process needs the compiled file.
  const script = new URL('./freeze-child.js', import.meta.url).href.replace('/model-registry/src/', '/model-registry/dist/');
  // Nothing of ours is the reference's business: neither the environment's secrets nor the folder we run in.
  return fork(fileURLToPath(script), [], { env: {}, cwd: tmpdir(), execArgv: [`--max-old-space-size=${HEAP_LIMIT_MIB}`], stdio: ['ignore', 'ignore', 'ignore', 'ipc'], serialization: 'advanced' });
}

async function ask(child: ChildProcess, question: FreezeQuestion): Promise<FreezeAnswer> {
  const watches: NodeJS.Timeout[] = [];
  try {
    return await new Promise<FreezeAnswer>((resolve, reject) => {
      child.once('message', (answer) => resolve(answer as FreezeAnswer));
      child.once('error', (cause) => reject(new ContractError('internal', 'the process that reads references cannot be started', { cause })));
      // By itself it ends only when its heap is full.
      child.once('exit', () => reject(tooMuch(`the process that read it has ended; it may take ${HEAP_LIMIT_MIB} MiB`)));
      watches.push(setTimeout(() => reject(tooMuch(`it was not read within ${TIME_LIMIT_MS} ms`)), TIME_LIMIT_MS));
      watches.push(setInterval(() => {
        if (residentBytes(child.pid) > MEMORY_LIMIT_BYTES) reject(tooMuch(`reading it takes more than ${MEMORY_LIMIT_BYTES / MIB} MiB`));
      }, MEMORY_WATCH_INTERVAL_MS));
      // A child that dies early is told by its exit.
      child.send(question, () => undefined);
    });
  } finally {
    watches.forEach(clearTimeout);
    child.kill('SIGKILL');
  }
}
