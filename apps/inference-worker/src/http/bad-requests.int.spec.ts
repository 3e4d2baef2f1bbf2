import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { RunningService } from '@throughline/http';
import { readSignature } from '@throughline/onnx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installation } from '../testing/installation.js';
import { logistic, numeric, signature } from '../testing/models.js';

const features = [numeric('hour'), numeric('distance'), numeric('delay', { default: 5 })];
const mixed = readFileSync(new URL('../../../../tools/onnx-fixtures/models/torch-mixed-script.onnx', import.meta.url));
const mixedFeatures = ['a', 'b', 'c', 'd', 'origin', 'destination', 'holiday', 'night'].map((name) => numeric(name));
const MEBIBYTE = 1024 * 1024;

let installation: Installation;
let worker: RunningService;

beforeAll(async () => {
  installation = await Installation.create();
  await installation.deploy({ model: 'flights', revision: 1, champion: installation.version('1', logistic(features), signature(features, { entities: { origin: 'airport' } })) });
  await installation.deploy({ model: 'mixed', revision: 1, champion: installation.version('1', mixed, { ...readSignature(mixed), features: mixedFeatures, task: 'other' }) });
  worker = await installation.startWorker({ HTTP_MAX_ROWS: '100' });
}, 60_000);

afterAll(async () => {
  await worker?.close();
  await installation?.close();
});

interface Reply {
  readonly status: number;
  readonly body: { error?: string; outputs?: unknown; parameters?: Record<string, unknown> };
  readonly headers: Headers;
}

async function call(path: string, init: RequestInit): Promise<Reply> {
  const response = await fetch(`${worker.url}/v2${path}`, init);
  return { status: response.status, body: (await response.json()) as Reply['body'], headers: response.headers };
}
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
  call(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } });
const tensor = (name: string, shape: number[], data: unknown[], datatype = 'FP32'): object => ({ name, shape, datatype, data });
const good = tensor('input', [1, 3], [7, 337, 0]);
const numbers = tensor('numbers', [1, 4], [1, 2, 3, 4]);
const codes = tensor('codes', [1, 2], [1, 2], 'INT64');
const flags = tensor('flags', [1, 2], [true, false], 'BOOL');

/** Status, code, words of the error, path below /v2/models, inputs. */
const REFUSED: [number, string, RegExp, string, object[]][] = [
  [404, 'unknown_model', /“nobody”/, 'nobody', [good]],
  [404, 'unknown_version', /no version 99/, 'flights/versions/99', [good]],
  [400, 'unknown_input', /no input and no feature “X”/, 'flights', [tensor('X', [1, 3], [7, 337, 0])]],
  [400, 'wrong_shape', /2 values for the shape \[1, 3\]/, 'flights', [tensor('input', [1, 3], [7, 337])]],
  [400, 'wrong_shape', /4 values for the shape \[1, 3\]/, 'flights', [tensor('input', [1, 3], [7, 337, 0, 0])]],
  [400, 'wrong_shape', /“input” takes \[n, 3\], got \[n, 2\]/, 'flights', [tensor('input', [1, 2], [7, 337])]],
  [400, 'wrong_shape', /“input” takes \[n, 3\], got \[n\]/, 'flights', [tensor('input', [3], [7, 337, 0])]],
  [400, 'wrong_shape', /“input” takes \[n, 3\], got \[n, 1, 3\]/, 'flights', [tensor('input', [1, 1, 3], [7, 337, 0])]],
  [400, 'wrong_shape', /no rows/, 'flights', [tensor('input', [0, 3], [])]],
  [400, 'wrong_shape', /no rows/, 'flights', [tensor('input', [], [7])]],
  [400, 'wrong_shape', /holds no values/, 'flights', [tensor('input', [1, 0], [])]],
  [400, 'wrong_shape', /“hour” takes one value a row, got 2/, 'flights', [tensor('hour', [1, 2], [7, 8])]],
  [400, 'wrong_shape', /“distance” has 2 rows, the first has 1/, 'flights', [tensor('hour', [1], [7]), tensor('distance', [2], [1, 2])]],
  [400, 'wrong_type', /unknown datatype/, 'flights', [tensor('input', [1, 3], [7, 337, 0], 'FLOAT')]],
  [400, 'wrong_type', /“distance” must be a number, as its tensor is FP32/, 'flights', [tensor('input', [1, 3], [7, 'far', 0])]],
  [400, 'wrong_type', /“hour” must be an integer of INT64/, 'flights', [tensor('hour', [1], [7.5], 'INT64'), tensor('distance', [1], [337])]],
  [400, 'wrong_type', /“hour” must be an integer of UINT8/, 'flights', [tensor('hour', [1], [256], 'UINT8'), tensor('distance', [1], [337])]],
  [400, 'wrong_type', /“hour” must be true or false/, 'flights', [tensor('hour', [1], [2], 'BOOL'), tensor('distance', [1], [337])]],
  [400, 'wrong_type', /“hour” takes FP32, its tensor is BYTES/, 'flights', [tensor('hour', [1], ['7'], 'BYTES'), tensor('distance', [1], [337])]],
  [400, 'wrong_type', /neither number, text nor boolean/, 'flights', [tensor('input', [1, 3], [7, {}, 0])]],
  [400, 'value_forbidden', /“hour” must not be NaN or infinite/, 'flights', [tensor('input', [1, 3], ['NaN', 337, 0])]],
  [400, 'value_forbidden', /“hour” is beyond the range/, 'flights', [tensor('input', [1, 3], [1e39, 337, 0])]],
  [400, 'schema_invalid', /two tensors “input”/, 'flights', [good, good]],
  [400, 'schema_invalid', /“hour” comes twice/, 'flights', [good, tensor('hour', [1], [7])]],
  [422, 'feature_missing', /“distance”/, 'flights', [tensor('hour', [1], [7])]],
  [422, 'feature_missing', /“a”/, 'mixed', [codes, flags]],
  [400, 'wrong_shape', /“codes” takes \[n, 2\], got \[n, 3\]/, 'mixed', [numbers, flags, tensor('codes', [1, 3], [1, 2, 3], 'INT64')]],
  [400, 'wrong_type', /“origin” must be an integer/, 'mixed', [numbers, flags, tensor('codes', [1, 2], [1.5, 2])]],
  [400, 'wrong_type', /“holiday” must be true or false/, 'mixed', [numbers, codes, tensor('flags', [1, 2], [7, 0])]],
  [422, 'model_failed', /indices element out of data bounds/, 'mixed', [numbers, flags, tensor('codes', [1, 2], [1, 7], 'INT64')]],
  [400, 'invalid_request', /inputs/, 'flights', []],
  [400, 'invalid_request', /101 rows, at most 100/, 'flights', [tensor('input', [101, 3], new Array(303).fill(1))]],
  [400, 'invalid_request', /at most 100/, 'flights', [tensor('input', [2 ** 52, 0], [])]],
  [400, 'invalid_request', /inputs\.0\.shape\.0/, 'flights', [tensor('input', [-1, 3], [7, 337, 0])]],
  [400, 'invalid_request', /inputs\.0.*shape/, 'flights', [{ name: 'input', datatype: 'FP32', data: [7, 337, 0] }]],
  [400, 'invalid_request', /inputs\.0.*datatype/, 'flights', [{ name: 'input', shape: [1, 3], data: [7, 337, 0] }]],
  [400, 'invalid_request', /binary tensors are not read here/, 'flights', [{ name: 'input', shape: [1, 3], datatype: 'FP32', parameters: { binary_data_size: 12 } }]],
];

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const withData = (shape: string, data: string): string => `{"inputs":[{"name":"input","shape":${shape},"datatype":"FP32","data":${data}}]}`;

/** Status, words of the error, path below /v2, and what is sent. */
const REFUSED_BEFORE: [number, RegExp, string, RequestInit][] = [
  [400, /invalid_request: body must be object/, '/models/flights/infer', { method: 'POST', body: '[]', headers: { 'content-type': 'application/json' } }],
  [400, /invalid_request/, '/models/flights/infer', { method: 'POST', body: '{"inputs":[', headers: { 'content-type': 'application/json' } }],
  [400, /invalid_request/, '/models/flights/infer', { method: 'POST', body: '{"inputs":[{"name":"input","shape":[1,3],"datatype":"FP32","data":[NaN,1,1]}]}', headers: { 'content-type': 'application/json' } }],
  [400, /invalid_request/, '/models/flights/infer', { method: 'POST', body: '', headers: { 'content-type': 'application/json' } }],
  [400, /invalid_request/, '/models/flights/infer', { method: 'POST', body: '{"__proto__":{"inputs":1},"inputs":[]}', headers: { 'content-type': 'application/json' } }],
  [400, /wrong_shape/, '/models/flights/infer', { method: 'POST', body: withData('[1,3]', nested(90)), headers: { 'content-type': 'application/json' } }],
  [400, /wrong_shape/, '/models/flights/infer', { method: 'POST', body: withData(`[${new Array(50_000).fill(1).join()}]`, nested(90)), headers: { 'content-type': 'application/json' } }],
  [400, /invalid_request: the body is nested deeper than \d+ levels/, '/models/flights/infer', { method: 'POST', body: `{"parameters":{"x":${nested(50_000)}},"inputs":[{"name":"input","shape":[1,2],"datatype":"FP32","data":[1,2]}]}`, headers: { 'content-type': 'application/json', 'idempotency-key': 'nested too' } }],
  [404, /unknown_model/, '/models/constructor/infer', { method: 'POST', body: withData('[1,3]', '[1,2,3]'), headers: { 'content-type': 'application/json' } }],
  [415, /content-type/, '/models/flights/infer', { method: 'POST', body: 'hour=7', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
  [415, /binary_data=False/, '/models/flights/infer', { method: 'POST', body: '{}', headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': '2' } }],
  [405, /Use POST/, '/models/flights/infer', { method: 'GET' }],
  [405, /Use POST/, '/models/flights/versions/1/infer', { method: 'PUT', body: '{}', headers: { 'content-type': 'application/json' } }],
  [405, /Use GET/, '/models/flights', { method: 'DELETE' }],
  [404, /not_found/, '/models/flights/explain', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }],
  [404, /unknown_model/, '/models/nobody/ready', { method: 'GET' }],
];

describe('a bad request is refused in the protocol’s form, never with a 5xx', () => {
  it.each(REFUSED)('%i %s %s to %s', async (status, code, words, model, inputs) => {
    const reply = await post(`/models/${model}/infer`, { inputs });
    expect(reply.body).toEqual({ error: expect.stringMatching(words) });
    expect(reply.body.error).toMatch(new RegExp(`^${code}: `));
    expect(reply.status).toBe(status);
    expect(reply.headers.get('content-type')).toContain('application/json');
  });

  it.each(REFUSED_BEFORE)('%i %s at %s', async (status, words, path, init) => {
    const reply = await call(path, init);
    expect(reply.body).toEqual({ error: expect.stringMatching(words) });
    expect(reply.status).toBe(status);
    if (status === 405) expect(reply.headers.get('allow')).toMatch(/^(GET|POST)$/);
  });

  it('413 for a body over the limit, announced or not', async () => {
    const announced = await post('/models/flights/infer', JSON.stringify({ inputs: [good], id: 'x'.repeat(17 * MEBIBYTE) }));
    expect(announced).toMatchObject({ status: 413, body: { error: expect.stringContaining('Send less at once') } });
    expect(await chunked(17)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('504 for a deadline that is over before the answer, which is bad luck and not bad input', async () => {
    expect(await post('/models/flights/infer', { inputs: [good], parameters: { timeout: 0.001 } })).toMatchObject({ status: 504, body: { error: expect.stringMatching(/^deadline_exceeded/) } });
  });

  it('and harms nothing else: good requests are answered all the while, and none of the bad ones was scored', async () => {
    const bad = REFUSED.map(([, , , model, inputs]) => post(`/models/${model}/infer`, { inputs }));
    const answers = await Promise.all(Array.from({ length: 50 }, () => post('/models/flights/infer', { inputs: [good] })));
    expect(answers.map(({ status }) => status)).toEqual(new Array(50).fill(200));
    expect((await Promise.all(bad)).filter(({ status }) => status >= 500 || status < 400)).toEqual([]);
    const { scored } = installation.answers;
    await installation.answers.until('the good ones to be on record', () => scored.length >= 50);
    for (const { data } of scored) expect(data.features.values).toEqual([7, 337, 0]);
  });
});

describe('what a request brings in vain is no error', () => {
  it('an unknown tensor beside known ones, and an unknown role, are named in the answer', async () => {
    const inputs = [tensor('hour', [1], [7]), tensor('distance', [1], [337]), tensor('weather', [1], ['rain'], 'BYTES')];
    const reply = await post('/models/flights/infer', { inputs, parameters: { entities: { origin: 'SFO', airport: 'JFK' } } });
    expect(reply).toMatchObject({ status: 200, body: { parameters: { ignored_inputs: ['weather'], unknown_entities: ['airport'] } } });
    expect(await (await fetch(`${worker.url}/metrics`)).text()).toContain('throughline_unknown_features_total{model="flights"} 1');
  });

  it('nothing is said of a request that brings what the model knows', async () => {
    const { body } = await post('/models/flights/infer', { inputs: [good], parameters: { entities: { origin: 'SFO' } } });
    expect(Object.keys(body.parameters!).toSorted()).toEqual(['assignment_revision', 'prediction_ids', 'role']);
  });
});

/** A body of so many mebibytes whose length nobody announces; resolves with the head of the answer. */
function chunked(mebibytes: number): Promise<string> {
  const { port, hostname } = new URL(worker.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    socket.on('error', (error) => (answer === '' ? reject(error) : resolve(answer)));
    socket.on('close', () => resolve(answer));
    socket.write(`POST /v2/models/flights/infer HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n`);
    const chunk = ' '.repeat(MEBIBYTE);
    for (let at = 0; at < mebibytes; at++) socket.write(`${MEBIBYTE.toString(16)}\r\n${chunk}\r\n`);
  });
}
