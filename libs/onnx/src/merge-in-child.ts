import { resolve as absolute } from 'node:path';
import { ContractError } from '@throughline/contracts';
import type { Refusal } from './child-talk.js';
import { DEFAULT_INSPECTION_LIMITS, type InspectionLimits } from './inspect-in-child.js';
import { askChild, startChild } from './limited-child.js';
import type { MergePlan } from './merge-plan.js';

/** What the child answers: what is coming, or why not. */
export type MergeAnswer = Omit<MergePlan, 'parts'> | Refusal;

export interface Merged {
  readonly bytes: Uint8Array;
  /** Names of the files that were merged in. */
  readonly files: readonly string[];
}

/**
 * Makes one file of a graph and the tensors that lie in files beside it, in a child process of its own that is killed when it takes too
 * long or too much. Nothing is written anywhere. What comes back is as little vouched for as what went in: see `inspectInChild`.
 *
 * @param folder where the graph lies; only files directly in it are read, and no links
 * @throws ContractError: `artifact_external_data` with the name of a tensor whose values are not there, `artifact_too_large` (the graph and its
 *   files, what they come to, or memory), `artifact_not_onnx`, `artifact_timeout`, `artifact_load_failed` when a crash ends the child
 */
export async function mergeInChild(graph: Uint8Array, folder: string, limits: Partial<InspectionLimits> = {}): Promise<Merged> {
  const all = { ...DEFAULT_INSPECTION_LIMITS, ...limits };
  if (graph.byteLength > all.sizeLimitBytes) throw tooLarge(graph.byteLength, all);
  const child = startChild('merge-child.js', 'pipe', [absolute(folder), String(all.sizeLimitBytes)]);
  return askChild<Merged>(child, graph, all, (resolve, reject) => {
    let merged: { bytes: Buffer; files: readonly string[] } | undefined;
    let received = 0;
    const early: Buffer[] = [];
    const receive = (chunk: Buffer): void => {
      if (merged === undefined) return void early.push(chunk);
      if (received + chunk.length > merged.bytes.length) return reject(new ContractError('artifact_load_failed', 'the merging process answers more than it said'));
      merged.bytes.set(chunk, received);
      received += chunk.length;
      if (received === merged.bytes.length) resolve(merged);
    };
    child.stdout!.on('data', receive);
    child.on('message', (message) => {
      const answer = message as MergeAnswer;
      if ('code' in answer) return reject(new ContractError(answer.code, answer.reason, { cure: answer.cure }));
      if (answer.sizeBytes > all.sizeLimitBytes) return reject(tooLarge(answer.sizeBytes, all));
      merged = { bytes: Buffer.allocUnsafe(answer.sizeBytes), files: answer.files };
      [...early.splice(0), Buffer.alloc(0)].forEach(receive);
    });
  });
}

const tooLarge = (sizeBytes: number, { sizeLimitBytes }: InspectionLimits): ContractError => new ContractError('artifact_too_large', `${sizeBytes} bytes are more than the limit of ${sizeLimitBytes}`);
