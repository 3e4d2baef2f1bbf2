import type { ChildProcess } from 'node:child_process';
import { ContractError } from '@throughline/contracts';
import type { Refusal } from './child-talk.js';
import type { InputColumns } from './feeds.js';
import { askChild, startChild, type ChildLimits } from './limited-child.js';
import { sha256Hex } from './sha256.js';
import type { OutputColumn } from './session.js';
import type { GraphSignature } from './signature.js';

export type InspectionLimits = ChildLimits;

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
export type ChildAnswer = { signature: GraphSignature } | { outputs: OutputColumn[] } | Refusal;

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
  const child = startChild('inspect-child.js');
  const verdict = await askChild<Verdict>(child, bytes, all, (resolve, reject) => converse(child, planTrial, resolve, reject));
  return { sha256: sha256Hex(bytes), sizeBytes: bytes.byteLength, ...verdict };
}

type Verdict = Pick<Inspection, 'signature' | 'outputs'>;

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
