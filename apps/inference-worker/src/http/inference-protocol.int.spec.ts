import { predictionId } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyNoInferRequest } from '../domain/oip/infer-request.js';
import type { InferResponse } from '../domain/oip/infer-response.js';
import { Installation } from '../testing/installation.js';
import { logistic, logisticScore, numeric, signature } from '../testing/models.js';

const features = [numeric('hour'), numeric('distance'), numeric('delay', { default: 5 })];
const SOURCE = '/throughline/inference-worker/v2/models/flights';

let installation: Installation;
let worker: RunningService;

beforeAll(async () => {
  installation = await Installation.create();
  await installation.deploy({
    model: 'flights', revision: 3,
    champion: installation.version('7', logistic(features), signature(features)),
    challengers: [installation.version('8', logistic(features, 1), signature(features))],
  });
  worker = await installation.startWorker({ HTTP_MAX_ROWS: '1000' });
}, 60_000);

afterAll(async () => {
  await worker?.close();
  await installation?.close();
});

async function call(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<{ status: number; body: InferResponse & Record<string, unknown>; headers: Headers }> {
  const init = body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } };
  const response = await fetch(`${worker.url}/v2${path}`, init);
  return { status: response.status, body: (await response.json()) as never, headers: response.headers };
}
const matrix = (rows: (number | string | null)[][]) => ({ name: 'input', shape: [rows.length, rows[0]!.length], datatype: 'FP32', data: rows.flat() });
const infer = (body: object, headers?: Record<string, string>) => call('/models/flights/infer', body, headers);

describe('the Open Inference Protocol', () => {
  it('describes server, models and versions', async () => {
    expect(await call('')).toMatchObject({ status: 200, body: { name: 'throughline' } });
    expect(await call('/health/live')).toMatchObject({ status: 200, body: { live: true } });
    expect(await call('/health/ready')).toMatchObject({ status: 200, body: { ready: true } });
    expect(await call('/models/flights')).toMatchObject({ status: 200, body: { name: 'flights', versions: ['7', '8'], inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 3] }], outputs: [{ name: 'probability' }] } });
    expect(await call('/models/flights/versions/8')).toMatchObject({ status: 200, body: { versions: ['8'] } });
    expect(await call('/models/flights/versions/8/ready')).toMatchObject({ status: 200, body: { ready: true } });
  });

  it('describes itself with an example that its own validation accepts', async () => {
    const document = (await (await fetch(`${worker.url}/openapi.json`)).json()) as { paths: Record<string, { post: { requestBody: { content: Record<string, { examples: Record<string, { value: unknown }> }> } } }> };
    const example = document.paths['/v2/models/{model}/infer']!.post.requestBody.content['application/json']!.examples['flights']!.value;
    expect(whyNoInferRequest(example)).toBeUndefined();
  });

  it('answers one row, already on record when the answer arrives', async () => {
    const { status, body } = await infer({ id: 'mine', inputs: [matrix([[7, 337, 0]])], parameters: { entities: { origin: 'SFO' }, routing_key: 'case-1', occurred_at: '2001-02-03T04:05:06Z', team: 'ops' } }, { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` });
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: 'mine', model_name: 'flights', model_version: '7', parameters: { role: 'champion', assignment_revision: 3 }, outputs: [{ name: 'probability', datatype: 'FP32', shape: [1, 1] }] });
    expect(body.outputs[0]!.data[0]).toBeCloseTo(logisticScore([7, 337, 0]), 6);
    const [id] = body.parameters.prediction_ids;
    const { data, traceparent, message } = await installation.answers.until('its event', () => installation.answers.scored.find(({ data: { predictionId: recorded } }) => recorded === id));
    expect(data).toMatchObject({ lane: 'http', requestSource: SOURCE, routingKey: 'case-1', entities: { origin: 'SFO' }, occurredAt: '2001-02-03T04:05:06Z', team: 'ops', score: body.outputs[0]!.data[0] });
    expect(message.key?.toString()).toBe('case-1');
    expect(traceparent).toContain('a'.repeat(32));
  });

  it('answers several rows together and records each as a prediction of its own, in their order', async () => {
    const rows = Array.from({ length: 600 }, (_, row) => [row % 24, row, 1]);
    const { body } = await infer({ inputs: [matrix(rows)], parameters: { entities: { origin: rows.map((_, row) => `airport-${row}`), carrier: 'AA' } } });
    expect(body.outputs[0]).toMatchObject({ shape: [600, 1] });
    rows.forEach((row, index) => expect(body.outputs[0]!.data[index]).toBeCloseTo(logisticScore(row), 6));
    const requestId = body.id;
    expect(body.parameters.prediction_ids).toEqual(rows.map((_, row) => predictionId(SOURCE, requestId, row)));
    await installation.answers.until('600 events', () => installation.answers.scored.filter(({ data }) => data.requestId === requestId).length === 600);
    const last = installation.answers.scored.find(({ data }) => data.predictionId === body.parameters.prediction_ids[599])!;
    expect(last.data).toMatchObject({ row: 599, entities: { origin: 'airport-599', carrier: 'AA' }, score: body.outputs[0]!.data[599] });
  });

  it('takes one tensor per feature, and fills absent ones with defaults', async () => {
    const { body } = await infer({ inputs: [{ name: 'distance', shape: [2, 1], datatype: 'INT64', data: [337, 100] }, { name: 'hour', shape: [2], datatype: 'FP64', data: [7, 8] }] });
    expect(body.outputs[0]!.data[0]).toBeCloseTo(logisticScore([7, 337, 5]), 6);
    expect(body.outputs[0]!.data[1]).toBeCloseTo(logisticScore([8, 100, 5]), 6);
  });

  it('answers by the version in the path, as pinned', async () => {
    const { body } = await call('/models/flights/versions/8/infer', { inputs: [matrix([[7, 337, 0]])] });
    expect(body).toMatchObject({ model_version: '8', parameters: { role: 'pinned' } });
  });

  it('with record: async puts the answer on record as well, only later', async () => {
    const { body } = await infer({ inputs: [matrix([[1, 2, 3]])], parameters: { record: 'async' } });
    await installation.answers.scoredOf(body.id);
  });

  it('gives copies with one Idempotency-Key one answer and one record, and refuses the key for another request', async () => {
    const body = { inputs: [matrix([[1, 2, 3]])] };
    const answers = await Promise.all([1, 2, 3].map(() => infer(body, { 'idempotency-key': 'order-1' })));
    for (const answer of answers) expect(answer.body).toEqual(answers[0]!.body);
    expect(answers[0]!.body.parameters.prediction_ids).toEqual([predictionId(SOURCE, 'order-1')]);
    expect(await infer({ inputs: [matrix([[9, 9, 9]])] }, { 'idempotency-key': 'order-1' })).toMatchObject({ status: 409, body: { error: expect.stringContaining('conflict') } });
    expect(installation.answers.scored.filter(({ data }) => data.requestId === 'order-1')).toHaveLength(1);
  });
});

describe('an error is {error} with the status of the protocol', () => {
  it.each([
    [404, 'unknown_model', '/models/nobody/infer', { inputs: [matrix([[1, 2, 3]])] }],
    [404, 'unknown_version', '/models/flights/versions/99/infer', { inputs: [matrix([[1, 2, 3]])] }],
    [404, 'not_found', '/no/such/route', {}],
    [400, 'wrong_shape', '/models/flights/infer', { inputs: [matrix([[1, 2]])] }],
    [400, 'wrong_type', '/models/flights/infer', { inputs: [matrix([['seven', 2, 3]])] }],
    [400, 'value_forbidden', '/models/flights/infer', { inputs: [matrix([['NaN', 2, 3]])] }],
    [422, 'feature_missing', '/models/flights/infer', { inputs: [matrix([[null, 2, 3]])] }],
    [400, 'invalid_request', '/models/flights/infer', { inputs: [] }],
    [400, 'invalid_request', '/models/flights/infer', { inputs: [matrix([[1, 2, 3]])], parameters: { occurred_at: 'yesterday' } }],
    [400, 'invalid_request', '/models/flights/infer', { inputs: [matrix([[1, 2, 3]])], outputs: [{ name: 'nothing' }] }],
    [400, 'invalid_request', '/models/flights/infer', { inputs: [matrix(Array.from({ length: 1001 }, () => [1, 2, 3]))] }],
    [400, 'invalid_request', '/models/flights/infer', 'not JSON'],
  ])('%i %s at %s', async (status, code, path, body) => {
    const answer = await call(path, body);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ error: expect.stringContaining(code) });
    expect(answer.headers.get('content-type')).toContain('application/json');
  });

  it('names the bad row, answers none, and has all of them on record as rejected', async () => {
    const { status, body } = await infer({ inputs: [matrix([[1, 2, 3], [1, 'two', 3], [1, 2, 3]])] }, { 'idempotency-key': 'bad row' });
    expect(status).toBe(400);
    expect(body['error']).toContain('row 1: “distance” must be a number');
    const rejected = await installation.answers.until('three rejections', () => {
      const found = installation.answers.rejected.filter(({ data }) => data.requestId === 'bad row');
      return found.length === 3 && found;
    });
    expect(rejected.map(({ data }) => data.row)).toEqual([0, 1, 2]);
    expect(new Set(rejected.map(({ data }) => data.code))).toEqual(new Set(['wrong_type']));
  });
});
