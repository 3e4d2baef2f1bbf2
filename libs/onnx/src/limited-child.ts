import { fork, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ContractError } from '@throughline/contracts';
import { residentBytes } from './resident-bytes.js';

export interface ChildLimits {
  sizeLimitBytes: number;
  timeLimitMs: number;
  /** Resident memory of the child, runtime included (an idle one takes about 100 MiB). */
  memoryLimitBytes: number;
}

/** Heap of V8 for parsing; the tensors' own bytes lie outside it. */
const CHILD_HEAP_MIB = 512;
const MEMORY_WATCH_INTERVAL_MS = 25;

/** Starts a script of this folder as a process that knows nothing of ours. */
export function startChild(name: string, stdout: 'pipe' | 'ignore' = 'ignore', args: readonly string[] = []): ChildProcess {
  // Sources run in place under vitest, but plain Node needs the compiled file.
  const script = new URL(`./${name}`, import.meta.url).href.replace('/onnx/src/', '/onnx/dist/');
  return fork(fileURLToPath(script), args, {
    // Nothing of ours is the model's business: neither the environment's secrets nor the folder we run in.
    env: {},
    cwd: tmpdir(),
    execArgv: [`--max-old-space-size=${CHILD_HEAP_MIB}`],
    stdio: ['pipe', stdout, 'ignore', 'ipc'],
    // Tensors cross as they are, 64-bit integers among them.
    serialization: 'advanced',
  });
}

/**
 * Sends bytes to the standard input of a child and hears it out; kills it when it takes too long or too much, and in any case when this ends.
 *
 * @throws ContractError `artifact_timeout`, `artifact_too_large`, `artifact_load_failed` when the child ends without an answer; and what `hear` rejects with
 */
export async function askChild<T>(child: ChildProcess, bytes: Uint8Array, limits: ChildLimits, hear: (resolve: (answer: T) => void, reject: (reason: unknown) => void) => void): Promise<T> {
  const watches: NodeJS.Timeout[] = [];
  try {
    return await new Promise<T>((resolve, reject) => {
      hear(resolve, reject);
      child.once('error', (cause) => reject(new ContractError('internal', 'the inspecting process cannot be started', { cause })));
      child.once('exit', (code, signal) => {
        reject(new ContractError('artifact_load_failed', `the inspecting process ended without an answer (${signal ?? `exit code ${code}`})`));
      });
      watches.push(setTimeout(() => reject(new ContractError('artifact_timeout', `no verdict after ${limits.timeLimitMs} ms`)), limits.timeLimitMs));
      watches.push(setInterval(() => {
        const used = residentBytes(child.pid);
        if (used > limits.memoryLimitBytes) {
          reject(new ContractError('artifact_too_large', `loading takes more than the limit of ${limits.memoryLimitBytes} bytes of memory`));
        }
      }, MEMORY_WATCH_INTERVAL_MS));
      // A child that dies early closes the pipe; its exit tells the story better than EPIPE would.
      child.stdin!.on('error', () => undefined);
      child.stdin!.end(bytes);
    });
  } finally {
    watches.forEach(clearTimeout);
    child.kill('SIGKILL');
  }
}
