import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { RunningService } from '@throughline/http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Installation } from '../testing/installation.js';
import { logistic, numeric, signature } from '../testing/models.js';
import { tableLookupGraph } from '../testing/partial-failure-graph.js';

const features = [numeric('hour'), numeric('distance')];
const index = [numeric('index')];
const MEBIBYTE = 1024 * 1024;
const PATIENCE = { timeout: 10_000 };
const REQUESTS = 300;

vi.setConfig({ testTimeout: 30_000 });

let installation: Installation;
let worker: RunningService;

beforeAll(async () => {
  installation = await Installation.create();
  await installation.deploy({ model: 'flights', revision: 1, champion: installation.version('1', logistic(features), signature(features)) });
  worker = await installation.startWorker({ HTTP_MAX_PENDING_ROWS: '1', HTTP_MAX_PENDING_BYTES: `${16 * MEBIBYTE}` });
}, 60_000);

afterAll(async () => {
  await worker?.close();
  await installation?.close();
});

interface Reply {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: { readonly error?: string; readonly parameters?: { readonly prediction_ids: readonly string[] } };
}
async function call(path: string, init?: RequestInit): Promise<Reply> {
  const response = await fetch(`${worker.url}/v2/models/${path}`, init);
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body: (await response.json()) as Reply['body'] };
}
const rowOf = (values: number[]): object => ({ inputs: [{ name: 'input', shape: [1, values.length], datatype: 'FP32', data: values }] });
const infer = (model: string, values: number[], id = 'mine'): Promise<Reply> =>
  call(`${model}/infer`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ id, ...rowOf(values) }) });
const refused = (error: RegExp): Reply => ({ status: 503, retryAfter: '1', body: { error: expect.stringMatching(error) as unknown as string } });

describe('more rows than may be unanswered', () => {
  it('are 503 with Retry-After; what is 200 is on record, nothing else is, and afterwards all is well', async () => {
    const replies = await Promise.all(Array.from({ length: REQUESTS }, () => infer('flights', [7, 337])));
    const good = replies.filter(({ status }) => status === 200);
    const others = replies.filter(({ status }) => status !== 200);
    expect(good.length).toBeGreaterThan(0);
    expect(others.length).toBeGreaterThan(0);
    for (const reply of others) expect(reply).toEqual(refused(/^overloaded: 1 rows are waiting/));
    const last = await infer('flights', [8, 337]);
    expect(last.status).toBe(200);
    const ids = [...good, last].flatMap(({ body }) => body.parameters!.prediction_ids);
    const { scored, rejected } = installation.answers;
    await installation.answers.until('all that was answered', () => ids.every((id) => scored.some(({ data }) => data.predictionId === id)));
    expect(scored).toHaveLength(good.length + 1);
    expect(rejected).toEqual([]);
  });
});

describe('more bytes than may be unanswered', () => {
  it('are 503 with Retry-After before the body is read, until those before them are answered or gone', async () => {
    // The server says “continue” in the same breath in which it takes the request.
    const [holder, taken] = await open(`content-length: ${15 * MEBIBYTE}\r\nexpect: 100-continue`);
    expect(taken).toMatch(/^HTTP\/1\.1 100 /);
    const [second, answer] = await open(`content-length: ${2 * MEBIBYTE}`);
    expect(answer).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: 1\r\n[^]*\{"error":"overloaded: \d+ bytes of requests/i);
    expect(await infer('flights', [7, 337], 'x'.repeat(2 * MEBIBYTE))).toEqual(refused(/^overloaded: \d+ bytes of requests/));
    expect(await infer('flights', [7, 337])).toMatchObject({ status: 200 });
    second.destroy();
    holder.destroy();
    await expect.poll(async () => (await infer('flights', [7, 337], 'x'.repeat(2 * MEBIBYTE))).status, PATIENCE).toBe(200);
  });

  it('are so too when nobody announced them', async () => {
    const [holder] = await open(`content-length: ${15 * MEBIBYTE}\r\nexpect: 100-continue`);
    const [flood, answer] = await open('transfer-encoding: chunked', chunk(' '.repeat(2 * MEBIBYTE)));
    expect(answer).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: 1\r\n/i);
    const body = JSON.stringify(rowOf([7, 337]));
    for (let round = 0; round < 3; round++) {
      const [small, scored] = await open('transfer-encoding: chunked', chunk(body) + chunk(''));
      expect(scored).toMatch(/^HTTP\/1\.1 200 /);
      small.destroy();
    }
    flood.destroy();
    holder.destroy();
  });

  it('are given back when a connection ends while one request of it waits behind another', async () => {
    const { port, hostname } = new URL(worker.url);
    const head = `POST /v2/models/flights/infer HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\n`;
    const body = JSON.stringify(rowOf([7, 337]));
    for (let round = 0; round < 3; round++) {
      const socket = connect(Number(port), hostname);
      socket.resume().on('error', () => undefined);
      socket.end(`${head}content-length: ${body.length}\r\n\r\n${body}${head}content-length: ${15 * MEBIBYTE}\r\n\r\n{`);
      await once(socket, 'close');
    }
    await expect.poll(async () => (await infer('flights', [7, 337], 'x'.repeat(2 * MEBIBYTE))).status, PATIENCE).toBe(200);
  });

  it('are 413 when they would be too much at any time', async () => {
    const [holder] = await open(`content-length: ${15 * MEBIBYTE}\r\nexpect: 100-continue`);
    const [second, answer] = await open(`content-length: ${17 * MEBIBYTE}`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    second.destroy();
    holder.destroy();
  });
});

describe('a version that cannot answer now', () => {
  it('is 503 with Retry-After while its circuit is open', async () => {
    const breaker = { failureShare: 0.5, windowSeconds: 10, minCallsPerSecond: 0.2, openSeconds: 600 };
    await installation.deploy({ model: 'table', revision: 1, champion: installation.version('1', tableLookupGraph(10), signature(index)), breaker });
    await expect.poll(async () => (await infer('table', [3])).status, PATIENCE).toBe(200);
    await expect.poll(() => infer('table', [50]), PATIENCE).toEqual(refused(/^circuit_open: /));
    expect(await infer('table', [3])).toEqual(refused(/^circuit_open: /));
  });

  it('is 503 with Retry-After while it is not warm', async () => {
    await installation.deploy({ model: 'cold', revision: 1, champion: installation.version('1', new TextEncoder().encode('no graph'), signature(index)) });
    await expect.poll(() => infer('cold', [3]), PATIENCE).toEqual(refused(/^model_not_ready: /));
    expect(await call('cold/ready')).toEqual(refused(/^model_not_ready: /));
  });
});

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** A request with these headers and so much of its body; resolves with the first that comes back. */
async function open(headers: string, body = ''): Promise<[Socket, string]> {
  const { port, hostname } = new URL(worker.url);
  const socket = connect(Number(port), hostname);
  // The server may hang up on what it refuses.
  socket.on('error', () => undefined);
  socket.write(`POST /v2/models/flights/infer HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\n${headers}\r\n\r\n${body}`);
  const [data] = (await once(socket, 'data')) as [Buffer];
  return [socket, data.toString()];
}
