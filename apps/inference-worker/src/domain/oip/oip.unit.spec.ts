import { planPacking, readTensors } from '@throughline/features';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rejected, Scored } from '../answer.js';
import { reject } from '../rejection.js';
import type { RequestIdentity } from '../scoring-request.js';
import { candidatesOf, whyNoInferRequest, type InferRequest, type Receipt } from './infer-request.js';
import { allOrNothing, inferResponse } from './infer-response.js';

const receipt: Receipt = { source: '/worker', id: 'event-1', model: 'flights', version: undefined, receivedAtMs: 1_000, traceparent: undefined };
const matrix = (rows: number): InferRequest['inputs'] => [{ name: 'input', shape: [rows, 2], datatype: 'FP32', data: new Array<number>(rows * 2).fill(1) }];

describe('an inference request', () => {
  it.each([
    [undefined, 'must be object'],
    [{}, 'inputs'],
    [{ inputs: [] }, 'inputs'],
    [{ inputs: [{ name: 'a' }] }, 'inputs.0'],
    [{ inputs: matrix(1), parameters: { record: 'never' } }, 'parameters.record'],
    [{ inputs: matrix(1), parameters: { entities: { origin: 7 } } }, 'parameters.entities'],
    [{ inputs: matrix(1), parameters: { occurred_at: 'soon' } }, 'parameters.occurred_at'],
    [{ inputs: matrix(1), parameters: { priority: -1 } }, 'parameters.priority'],
    [{ inputs: matrix(1), parameters: { timeout: '5' } }, 'parameters.timeout'],
    [{ inputs: [{ name: 'input', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: 8 } }] }, 'binary tensors are not read'],
    [{ inputs: matrix(11) }, 'at most 10'],
    // What the event's own schema would refuse: the answer would be acknowledged and then missing from the ledger.
    [{ inputs: matrix(1), parameters: { occurred_at: '2001-01-30' } }, 'parameters.occurred_at'],
  ])('%j is refused, naming the field', (body, field) => {
    expect(whyNoInferRequest(body, 10)).toContain(field);
  });

  it('may hold parameters that mean nothing here', () => {
    expect(whyNoInferRequest({ id: 'x', inputs: matrix(1), parameters: { binary_data_output: true, sequence_id: 5 } })).toBeUndefined();
  });

  it.each([
    [{}, 5, undefined],
    [{ priority: 0, timeout: 0 }, 5, undefined],
    [{ priority: 1, timeout: 2_500 }, 1, 2.5],
    [{ priority: 4_000_000_000 }, 9, undefined],
  ])('with Triton’s parameters %j has the priority %d and the deadline %s', (parameters, priority, deadlineMs) => {
    expect(whyNoInferRequest({ inputs: matrix(1), parameters })).toBeUndefined();
    expect(candidatesOf({ inputs: matrix(1), parameters }, receipt)).toMatchObject([{ request: { priority, deadlineMs } }]);
  });

  it('of n rows is n candidates under one identity, each with its own row and entities', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 50 }), (rows) => {
        const origins = Array.from({ length: rows }, (_, row) => `airport-${row}`);
        const candidates = candidatesOf({ inputs: matrix(rows), parameters: { entities: { origin: origins, carrier: 'AA' }, routing_key: 'case', timeout: 5_000 } }, receipt);
        expect(candidates.map(({ request }) => [request.id, request.row, request.entities, request.key])).toEqual(origins.map((origin, row) => ['event-1', row, { origin, carrier: 'AA' }, 'case']));
        expect(candidates[0]!.request).toMatchObject({ deadlineMs: 5, occurredAtMs: 1_000, requestedAtMs: 1_000 });
      }),
    );
  });

  it('with tensors that cannot be read is one candidate, rejected', () => {
    expect(candidatesOf({ inputs: [{ name: 'input', shape: [2, 2], datatype: 'FP32', data: [1] }] }, receipt)).toMatchObject([{ rejection: { code: 'wrong_shape' }, request: { row: undefined } }]);
  });
});

describe('an inference response', () => {
  const outputs = [{ name: 'label', datatype: 'INT64', data: BigInt64Array.of(1n, 0n), rowWidth: 1 }, { name: 'both', datatype: 'FP32', data: Float32Array.of(1, 2, 3, 4), rowWidth: 2 }];
  const signature = { inputs: [], features: [], task: 'other', outputs: [{ name: 'label', datatype: 'INT64', shape: [-1] }, { name: 'both', datatype: 'FP32', shape: [-1, 2] }] };
  const scored = (outputRow: number): Scored => ({ state: 'scored', predictionId: `p${outputRow}`, request: { row: outputRow } as RequestIdentity, served: { model: 'flights', version: '7', signature }, role: 'champion', revision: 3, outputs, outputRow }) as unknown as Scored;

  it('holds the outputs of all rows in the shapes that the model declares', () => {
    expect(inferResponse('mine', [scored(0), scored(1)], undefined)).toEqual({
      model_name: 'flights', model_version: '7', id: 'mine', parameters: { prediction_ids: ['p0', 'p1'], role: 'champion', assignment_revision: 3 },
      outputs: [{ name: 'label', datatype: 'INT64', shape: [2], data: [1, 0] }, { name: 'both', datatype: 'FP32', shape: [2, 2], data: [1, 2, 3, 4] }],
    });
  });

  it('says what of the request it had no use for, and which rows a fallback answered', () => {
    const plan = planPacking({ inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 2] }], features: ['hour', 'miles'].map((name) => ({ name, kind: 'numeric' as const })) });
    const tensors = readTensors(['hour', 'weather'].map((name) => ({ name, shape: [2], datatype: 'FP32', data: [1, 2] })));
    const entities = { origin: 'SFO', airport: 'JFK' };
    const fallback = { kind: 'rules', reason: 'model_failed' };
    const served = { model: 'flights', version: '7', signature: { ...signature, entities: { origin: 'airport' } } };
    const answers = [0, 1].map((row) => ({ ...scored(row), served, addressed: { plan }, request: { row, tensors, entities }, fallback: row === 1 ? fallback : undefined }) as unknown as Scored);
    expect(inferResponse('mine', answers, undefined).parameters).toEqual({
      prediction_ids: ['p0', 'p1'], role: 'champion', assignment_revision: 3, fallbacks: [null, 'rules'], ignored_inputs: ['weather'], unknown_entities: ['airport'],
    });
  });

  it('takes the outputs of each row by name', () => {
    const other = { ...scored(1), outputs: outputs.toReversed() };
    expect(inferResponse('mine', [scored(0), other], undefined).outputs.map(({ data }) => data)).toEqual([[1, 0], [1, 2, 3, 4]]);
  });

  it('holds only the outputs asked for', () => {
    expect(inferResponse('mine', [scored(0)], ['both']).outputs.map(({ name }) => name)).toEqual(['both']);
  });

  it('rejects all rows when one is rejected, each exactly once, for the first one’s reason', () => {
    const bad = { state: 'rejected', request: { row: 1 }, rejection: reject('wrong_type', 'bad value') } as unknown as Rejected;
    const outcome = allOrNothing([scored(0), bad, scored(1)]);
    expect(outcome).toMatchObject({ first: { rejection: { code: 'wrong_type', reason: 'row 1: bad value' } } });
    expect('rejected' in outcome && outcome.rejected.map(({ state, rejection }) => [state, rejection.code])).toEqual([['rejected', 'wrong_type'], ['rejected', 'wrong_type'], ['rejected', 'wrong_type']]);
  });
});
