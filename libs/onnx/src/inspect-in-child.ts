import { fork, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ContractError, type ErrorCode } from '@throughline/contracts';
import type { InputColumns } from './feeds.js';
import { residentBytes } from './resident-bytes.js';
import { sha256Hex } from './sha256.js';
import type { OutputColumn } from './session.js';
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
  /** Of the trial rows, in their order; none without a trial. */
  outputs: OutputColumn[];
}

/** Rows to run the model on before it is let in. */
export interface Trial {
  columns: InputColumns;
  rowCount: number;
}

/** Makes the trial of a model once its signature is known; what it throws ends the inspection. */
export type PlanTrial = (signature: GraphSignature) => Trial | undefined;

/** What the child answers: the signature, then the outputs of the trial if it is sent one. */
export type ChildAnswer = { signature: GraphSignature } | { outputs: OutputColumn[] } | { code: ErrorCode; reason: string; cure: string };

/** Heap of V8 for parsing; the tensors' own bytes lie outside it. */
const CHILD_HEAP_MIB = 512;
const MEMORY_WATCH_INTERVAL_MS = 25;

/**
 * Parses, loads and tries an ONNX file that nobody vouches for, in a child process of its own that is killed when it takes
 * too long or too much, and ends with this call in any case. Nothing is written anywhere.
 *
 * @param planTrial rows that it must answer, whatever they answer
 * @throws ContractError: `artifact_too_large` (bytes, memory to load them, or a trial's answer), `artifact_not_onnx`,
 *   `artifact_external_data`, `artifact_non_tensor_output`, `artifact_load_failed` (also when a crash ends the child, or the trial fails), `artifact_timeout`; and what `planTrial` throws.
 */
export async function inspectInChild(bytes: Uint8Array, limits: Partial<InspectionLimits> = {}, planTrial: PlanTrial = () => undefined): Promise<Inspection> {
  const all = { ...DEFAULT_INSPECTION_LIMITS, ...limits };
  if (bytes.byteLength > all.sizeLimitBytes) {
    throw new ContractError('artifact_too_large', `${bytes.byteLength} bytes are more than the limit of ${all.sizeLimitBytes}`);
  }
  return { sha256: sha256Hex(bytes), sizeBytes: bytes.byteLength, ...(await ask(startChild(), bytes, all, planTrial)) };
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
    // Tensors cross as they are, 64-bit integers among them.
    serialization: 'advanced',
  });
}

type Verdict = Pick<Inspection, 'signature' | 'outputs'>;

async function ask(child: ChildProcess, bytes: Uint8Array, limits: InspectionLimits, planTrial: PlanTrial): Promise<Verdict> {
  const watches: NodeJS.Timeout[] = [];
  try {
    return await new Promise<Verdict>((resolve, reject) => {
      converse(child, planTrial, resolve, reject);
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

/** First comes the signature, then, if that makes for a trial, what the rows were answered. */
function converse(child: ChildProcess, planTrial: PlanTrial, resolve: (verdict: Verdict) => void, reject: (reason: unknown) => void): void {
  let signature: GraphSignature | undefined;
  child.on('message', (message) => {
    const answer = message as ChildAnswer;
    if ('code' in answer) return reject(new ContractError(answer.code, answer.reason, { cure: answer.cure }));
    if ('outputs' in answer) return resolve({ signature: signature!, outputs: answer.outputs });
    signature = answer.signature;
    try {
      const trial = planTrial(signature);
      if (trial === undefined) resolve({ signature, outputs: [] });
      // A child that dies meanwhile is told by its exit.
      else child.send(trial, () => undefined);
    } catch (error) {
      reject(error);
    }
  });
}
