import type { TensorSpec } from '@throughline/contracts';
import { outputRow, unknownTensors } from '@throughline/features';
import { askedBy, type Answer, type Rejected, type Scored } from '../answer.js';

/** Names that a response repeats of its request at most. */
const MAX_NAMES = 20;

export interface InferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: ResponseParameters;
  readonly outputs: readonly { readonly name: string; readonly datatype: string; readonly shape: readonly number[]; readonly data: readonly unknown[] }[];
}

interface ResponseParameters {
  /** Under which the rows are on record. */
  readonly prediction_ids: readonly string[];
  readonly role: string;
  readonly assignment_revision: number;
  /** For each row the kind of fallback that answered, or null; absent when none did. */
  readonly fallbacks?: readonly (string | null)[];
  /** Tensors that the model has no use for: they were passed over. */
  readonly ignored_inputs?: readonly string[];
  /** Roles that the model's signature does not declare: they are on record, and looked up nowhere. */
  readonly unknown_entities?: readonly string[];
}

/** The protocol has one answer for all rows: when one is rejected, the others go with it, and the record says so. */
export function allOrNothing(answers: readonly Answer[]): { scored: readonly Scored[] } | { rejected: readonly Rejected[]; first: Rejected } {
  const first = answers.find((answer) => answer.state === 'rejected');
  if (first === undefined) return { scored: answers as readonly Scored[] };
  const reason = answers.length === 1 ? first.rejection.reason : `row ${first.request.row}: ${first.rejection.reason}`;
  const rejected = answers.map((answer): Rejected => {
    if (answer.state === 'rejected') return answer;
    const { request, predictionId, traceparent, pickUp, answeredAtMs } = answer;
    return { state: 'rejected', request, predictionId, traceparent, pickUp, answeredAtMs, asked: askedBy(answer), rejection: { ...first.rejection, reason: `answered together with ${reason}` } };
  });
  return { rejected, first: { ...first, rejection: { ...first.rejection, reason } } };
}

/** @param wanted names of the outputs asked for; all by default */
export function inferResponse(id: string, scored: readonly Scored[], wanted: readonly string[] | undefined): InferResponse {
  const { served, outputs } = scored[0]!;
  return {
    model_name: served.model,
    model_version: served.version,
    id,
    parameters: parametersOf(scored),
    outputs: outputs.flatMap(({ name, datatype, rowWidth }) => {
      if (wanted !== undefined && !wanted.includes(name)) return [];
      const declared = served.signature.outputs.find((output) => output.name === name);
      return [{ name, datatype, shape: [scored.length, ...rowShape(declared, rowWidth)], data: scored.flatMap((answer) => valuesOf(answer, name)) }];
    }),
  };
}

/** By name: a fallback that answered for one of the rows may have the same outputs in another order. */
function valuesOf({ outputs, outputRow: row }: Scored, name: string): unknown[] {
  const output = outputs.find((candidate) => candidate.name === name);
  return output === undefined ? [] : outputRow(output, row);
}

function parametersOf(scored: readonly Scored[]): ResponseParameters {
  const { role, revision, addressed, served, request } = scored[0]!;
  const ignored = request.tensors === undefined ? [] : unknownTensors(addressed.plan, request.tensors);
  const { entities: declared } = served.signature;
  const roles = declared === undefined ? [] : Object.keys(request.entities ?? {}).filter((name) => !Object.hasOwn(declared, name));
  return {
    prediction_ids: scored.map(({ predictionId }) => predictionId),
    role,
    assignment_revision: revision,
    ...(scored.some(({ fallback }) => fallback !== undefined) ? { fallbacks: scored.map(({ fallback }) => fallback?.kind ?? null) } : {}),
    ...(ignored.length > 0 ? { ignored_inputs: ignored.slice(0, MAX_NAMES) } : {}),
    ...(roles.length > 0 ? { unknown_entities: roles.slice(0, MAX_NAMES) } : {}),
  };
}

/** Dimensions after the row, as declared where that is complete. */
function rowShape(declared: TensorSpec | undefined, rowWidth: number): number[] {
  const rest = declared?.shape.slice(1) ?? [];
  if (declared?.shape.length === 1 && rowWidth === 1) return [];
  return rest.length > 0 && rest.every((size) => size > 0) && rest.reduce((product, size) => product * size, 1) === rowWidth ? rest : [rowWidth];
}
