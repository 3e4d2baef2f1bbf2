import { fork, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ContractError, type ErrorCode } from '@throughline/contracts';
import { residentBytes } from './resident-bytes.js';
import { sha256Hex } from './sha256.js';
import type { GraphSignature } from './signature.js';

export interface InspectionLimits {
  sizeLimitBytes: number;
  timeLimitMs: number;
  /** Resident memory of the child, runtime included (an idle one takes about 100 MiB). */
  memoryLimitBytes: number;
}

export const DEFAULT_INSPECTION_LIMITS: InspectionLimits = {
  sizeLimitBytes: 256 * 1024 ** 2,
  timeLimitMs: 30_000,
  memoryLimitBytes: 2 * 1024 ** 3,
};

export interface Inspection {
  sha256: string;
  sizeBytes: number;
  signature: GraphSignature;
}

/** What the child answers. */
export type ChildAnswer = { signature: GraphSignature } | { code: ErrorCode; reason: string; cure: string };

/** Heap of V8 for parsing; the tensors' own bytes lie outside it. */
const CHILD_HEAP_MIB = 512;
const MEMORY_WATCH_INTERVAL_MS = 25;

/**
 * Parses, loads and tries an ONNX file that nobody vouches for, in a child process of its own that is killed when it takes
 * too long or too much, and ends with this call in any case. Nothing is written anywhere.
 *
 * @throws ContractError: `artifact_too_large` (bytes, or memory to load them), `artifact_not_onnx`,
 *   `artifact_external_data`, `artifact_non_tensor_output`, `artifact_load_failed` (also when a crash ends the child), `artifact_timeout`.
 */
export async function inspectInChild(bytes: Uint8Array, limits: Partial<InspectionLimits> = {}): Promise<Inspection> {
  const all = { ...DEFAULT_INSPECTION_LIMITS, ...limits };
  if (bytes.byteLength > all.sizeLimitBytes) {
    throw new ContractError('artifact_too_large', `${bytes.byteLength} bytes are more than the limit of ${all.sizeLimitBytes}`);
  }
  const answer = await ask(startChild(), bytes, all);
  if ('code' in answer) throw new ContractError(answer.code, answer.reason, { cure: answer.cure });
  return { sha256: sha256Hex(bytes), sizeBytes: bytes.byteLength, signature: answer.signature };
}

function startChild(): ChildProcess {
  // Sources run in place under vitest, but plain Node needs the compiled file.
  const script = new URL('./inspect-child.js', import.meta.url).href.replace('/onnx/src/', '/onnx/dist/');
  return fork(fileURLToPath(script), [], {
    // Nothing of ours is the model's business: neither the environment's secrets nor the folder we run in.
    env: {},
    cwd: tmpdir(),
    execArgv: [`--max-old-space-size=${CHILD_HEAP_MIB}`],
    stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
  });
}

async function ask(child: ChildProcess, bytes: Uint8Array, limits: InspectionLimits): Promise<ChildAnswer> {
  const watches: NodeJS.Timeout[] = [];
  try {
    return await new Promise<ChildAnswer>((resolve, reject) => {
      child.once('message', (message) => resolve(message as ChildAnswer));
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
