import type { TensorSpec } from '@throughline/contracts';
import { outputRow } from '../answer-events.js';
import type { Answer, Rejected, Scored } from '../answer.js';

export interface InferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  /** Beside the protocol's: the ids under which the rows are on record. */
  readonly parameters: { readonly prediction_ids: readonly string[]; readonly role: string; readonly assignment_revision: number };
  readonly outputs: readonly { readonly name: string; readonly datatype: string; readonly shape: readonly number[]; readonly data: readonly unknown[] }[];
}

/** The protocol has one answer for all rows: when one is rejected, the others go with it, and the record says so. */
export function allOrNothing(answers: readonly Answer[]): { scored: readonly Scored[] } | { rejected: readonly Rejected[]; first: Rejected } {
  const first = answers.find((answer) => answer.state === 'rejected');
  if (first === undefined) return { scored: answers as readonly Scored[] };
  const reason = answers.length === 1 ? first.rejection.reason : `row ${first.request.row}: ${first.rejection.reason}`;
  const rejected = answers.map((answer): Rejected => {
    if (answer.state === 'rejected') return answer;
    const { request, predictionId, traceparent, pickUp, answeredAtMs } = answer;
    return { state: 'rejected', request, predictionId, traceparent, pickUp, answeredAtMs, rejection: { ...first.rejection, reason: `answered together with ${reason}` } };
  });
  return { rejected, first: { ...first, rejection: { ...first.rejection, reason } } };
}

/** @param wanted names of the outputs asked for; all by default */
export function inferResponse(id: string, scored: readonly Scored[], wanted: readonly string[] | undefined): InferResponse {
  const { served, role, revision, outputs } = scored[0]!;
  return {
    model_name: served.model,
    model_version: served.version,
    id,
    parameters: { prediction_ids: scored.map(({ predictionId }) => predictionId), role, assignment_revision: revision },
    outputs: outputs.flatMap(({ name, datatype, rowWidth }, index) => {
      if (wanted !== undefined && !wanted.includes(name)) return [];
      const declared = served.signature.outputs.find((output) => output.name === name);
      return [{ name, datatype, shape: [scored.length, ...rowShape(declared, rowWidth)], data: scored.flatMap((answer) => outputRow(answer.outputs[index]!, answer.outputRow)) }];
    }),
  };
}

/** Dimensions after the row, as declared where that is complete. */
function rowShape(declared: TensorSpec | undefined, rowWidth: number): number[] {
  const rest = declared?.shape.slice(1) ?? [];
  if (declared?.shape.length === 1 && rowWidth === 1) return [];
  return rest.length > 0 && rest.every((size) => size > 0) && rest.reduce((product, size) => product * size, 1) === rowWidth ? rest : [rowWidth];
}
