import { isInstant, Tensor } from '@throughline/contracts';
import { isPackError, readTensors } from '@throughline/features';
import { Type, type Static } from '@sinclair/typebox';
import { Ajv } from 'ajv';
import { rejectPack } from '../rejection.js';
import { DEFAULT_PRIORITY, type Candidate, type ScoringRequest } from '../scoring-request.js';

/** Triton's numbers go on for ever; from here on nobody waits for anybody any longer. */
const LEAST_PRIORITY = 9;

const Text = Type.String({ minLength: 1 });

/** Request parameters that mean something here; others are ignored, as the protocol asks. */
const Parameters = Type.Object({
  entities: Type.Optional(Type.Record(Type.String(), Type.Union([Text, Type.Array(Text)]), { description: 'role to entity id, or to one id a row' })),
  occurred_at: Type.Optional(Type.String({ description: 'event time, RFC 3339; else the time of receipt' })),
  routing_key: Type.Optional(Type.String({ maxLength: 500 })),
  team: Type.Optional(Type.String({ maxLength: 200 })),
  timeout: Type.Optional(Type.Number({ minimum: 0, description: 'deadline in microseconds after receipt, as Triton has it; 0 for none' })),
  priority: Type.Optional(Type.Integer({ minimum: 0, description: '1 goes first, as Triton has it; 0 for no wish' })),
  record: Type.Optional(Type.Union([Type.Literal('sync'), Type.Literal('async')], { description: 'whether the answer waits until it is on record' })),
});

/** Body of an inference request of the Open Inference Protocol v2. */
export const InferRequest = Type.Object({
  id: Type.Optional(Type.String()),
  parameters: Type.Optional(Parameters),
  inputs: Type.Array(Tensor, { minItems: 1 }),
  outputs: Type.Optional(Type.Array(Type.Object({ name: Text }))),
});
export type InferRequest = Static<typeof InferRequest>;

const validate = new Ajv({ allowUnionTypes: true }).compile(InferRequest);

/**
 * What is wrong with a body, naming the field; `undefined` if nothing is.
 *
 * @param maxRows that one request may hold
 */
export function whyNoInferRequest(body: unknown, maxRows = Infinity): string | undefined {
  if (!validate(body)) {
    const [error] = validate.errors!;
    const where = `body${error!.instancePath.replaceAll('/', '.')}`;
    if (error!.params['missingProperty'] === 'data') return `${where} has no data; binary tensors are not read here, send the values as JSON (binary_data=False in Triton’s client)`;
    return `${where} ${error!.message}`;
  }
  const { parameters, inputs } = body as InferRequest;
  const rows = inputs[0]!.shape[0] ?? 0;
  if (rows > maxRows) return `the request holds ${rows} rows, at most ${maxRows} are taken; send fewer at once, or use the batch topic`;
  if (parameters?.occurred_at !== undefined && !isInstant(parameters.occurred_at)) return 'body.parameters.occurred_at is not an RFC 3339 instant with date, time and zone, such as 2001-02-03T04:05:06Z';
  return undefined;
}

/** Where a request came from, beside its body. */
export interface Receipt {
  readonly source: string;
  readonly id: string;
  readonly model: string;
  readonly version: string | undefined;
  readonly receivedAtMs: number;
  readonly traceparent: string | undefined;
}

/** A request over HTTP as one candidate a row; with tensors that cannot be read, one that is rejected. */
export function candidatesOf({ inputs, parameters }: InferRequest, receipt: Receipt): Candidate[] {
  const tensors = readTensors(inputs);
  const { occurred_at: occurredAt, routing_key: routingKey, timeout, priority, team, entities } = parameters ?? {};
  const common = {
    lane: 'http' as const,
    source: receipt.source,
    id: receipt.id,
    attempt: 0,
    key: routingKey ?? receipt.id,
    traceparent: receipt.traceparent,
    coordinates: undefined,
    requestedAtMs: receipt.receivedAtMs,
    occurredAt,
    occurredAtMs: occurredAt === undefined ? receipt.receivedAtMs : Date.parse(occurredAt),
    model: receipt.model,
    version: receipt.version,
    routingKey, team,
    deadlineMs: timeout === undefined || timeout === 0 ? undefined : timeout / 1000,
    priority: priority === undefined || priority === 0 ? DEFAULT_PRIORITY : Math.min(priority, LEAST_PRIORITY),
    features: undefined,
  };
  if (isPackError(tensors)) return [{ request: { ...common, row: undefined, entities: undefined }, rejection: rejectPack(tensors) }];
  const { rowCount } = tensors;
  return Array.from({ length: rowCount }, (_, row) => {
    const request: ScoringRequest = { ...common, tensors, row: rowCount === 1 ? undefined : row, entities: entitiesOfRow(entities, row) };
    return { request, rejection: undefined };
  });
}

/** Lists hold one id a row; a role whose list is too short has no entity there. */
function entitiesOfRow(entities: Record<string, string | string[]> | undefined, row: number): Record<string, string> | undefined {
  if (entities === undefined) return undefined;
  const ofRow: Record<string, string> = {};
  for (const [role, ids] of Object.entries(entities)) {
    const id = Array.isArray(ids) ? ids[row] : ids;
    if (id !== undefined) ofRow[role] = id;
  }
  return ofRow;
}
