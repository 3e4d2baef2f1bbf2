import { predictionId, STRUCTURED_CONTENT_TYPE } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installation } from '../testing/installation.js';
import { logistic, logisticScore, numeric, signature } from '../testing/models.js';
import { tableLookupGraph } from '../testing/partial-failure-graph.js';

const TOPIC = 'prediction.requested.v1';
const features = [numeric('hour'), numeric('distance'), numeric('delay', { default: 5 })];

let installation: Installation;
let worker: RunningService;

beforeAll(async () => {
  installation = await Installation.create();
  await installation.deploy({
    model: 'flights', revision: 3,
    champion: installation.version('7', logistic(features), signature(features)),
    challengers: [installation.version('8', logistic(features, 1), signature(features))],
  });
  const table = [numeric('index', { allowNaN: true })];
  await installation.deploy({ model: 'table', revision: 1, champion: installation.version('1', tableLookupGraph(10), signature(table)) });
  // Its millisecond is over by the time the worker has started.
  await installation.send(structured('late', flight({ deadlineMs: 1 })));
  worker = await installation.startWorker({ WORKER_ID: 'worker-under-test' });
}, 60_000);

afterAll(async () => {
  await worker?.close();
  await installation?.close();
});

const structured = (id: string, data: object, more: object = {}) => ({
  topic: TOPIC, key: id, headers: { 'content-type': STRUCTURED_CONTENT_TYPE },
  value: JSON.stringify({ specversion: '1.0', id, source: '/test', type: 'prediction.requested', data, ...more }),
}) as const;
const flight = (more: object = {}) => ({ model: 'flights', features: { hour: 7, distance: 337 }, ...more });
const lastOffset = async (): Promise<string> => {
  const ends = await installation.bus.admin.offsets(TOPIC);
  return ends.map(({ partition, high }) => `${partition}/${high - 1n}`).join(' ');
};

describe('a request is answered', () => {
  it('in a structured envelope, with everything that explains the answer later', async () => {
    await installation.send(structured('structured', flight({ entities: { origin: 'SFO' }, routingKey: 'case-1', team: 'ops', occurredAt: '2001-02-03T04:05:06Z' })));
    const scored = await installation.answers.scoredOf('structured');
    expect(scored).toMatchObject({
      predictionId: predictionId('/test', 'structured'), requestSource: '/test', lane: 'stream', model: 'flights', version: '7', role: 'champion',
      assignmentRevision: 3, worker: 'worker-under-test', entities: { origin: 'SFO' }, routingKey: 'case-1', team: 'ops', occurredAt: '2001-02-03T04:05:06Z',
      features: { values: [7, 337, 5], defaulted: [2] },
    });
    expect(scored.artifactSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(scored.runtime).toMatch(/^onnxruntime-node \d+\.\d+\.\d+ cpu, 1 thread, .+ (x64|arm64)$/);
    expect(scored.costMicroUsd).toBeGreaterThan(0);
    expect(scored).not.toHaveProperty('propensity');
    expect(scored.requestCoordinates).toMatch(/^prediction\.requested\.v1\/\d\/\d+$/);
    expect(scored.score).toBeCloseTo(logisticScore([7, 337, 5]), 6);
    expect(scored.outputs).toEqual({ probability: [scored.score] });
    expect(Object.keys(scored.timingsMs).sort()).toEqual(['features', 'inference', 'postprocess', 'preprocess', 'queue', 'total', 'transport']);
    expect(scored.timingsMs.total).toBeGreaterThanOrEqual(scored.timingsMs.transport! + scored.timingsMs.inference!);
  });

  it('in a binary envelope', async () => {
    const headers = { ce_specversion: '1.0', ce_id: 'binary', ce_source: '/kcat', ce_type: 'prediction.requested', ce_time: '2001-02-03T04:05:06Z' };
    await installation.send({ topic: TOPIC, key: 'k', headers, value: JSON.stringify(flight()) });
    expect(await installation.answers.scoredOf('binary')).toMatchObject({ predictionId: predictionId('/kcat', 'binary'), occurredAt: '2001-02-03T04:05:06.000Z' });
  });

  it('without an envelope, under its place in the topic', async () => {
    await installation.send({ topic: TOPIC, key: 'bare', value: JSON.stringify(flight({ team: 'bare' })) });
    const { data } = await installation.answers.until('the bare body', () => installation.answers.scored.find(({ data: { team } }) => team === 'bare'));
    expect(data.requestSource).toBe(TOPIC);
    expect(await lastOffset()).toContain(data.requestId);
    expect(data.predictionId).toBe(predictionId(TOPIC, data.requestId));
  });

  it('under the request’s key, in the request’s trace, by a span that the header announces', async () => {
    await installation.send({ ...structured('traced', flight()), key: 'the-key', headers: { 'content-type': STRUCTURED_CONTENT_TYPE, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` } });
    await installation.answers.scoredOf('traced');
    const { message, traceparent } = installation.answers.scored.find(({ data }) => data.requestId === 'traced')!;
    expect(message.key?.toString()).toBe('the-key');
    expect(traceparent).toMatch(new RegExp(`^00-${'a'.repeat(32)}-(?!b{16})[0-9a-f]{16}-01$`));
  });

  it('from tensors of one row, and from the version that it pins', async () => {
    const inputs = [{ name: 'input', shape: [1, 3], datatype: 'FP32', data: [7, 337, 0] }];
    await installation.send(structured('pinned', { model: 'flights', version: '8', inputs }));
    const scored = await installation.answers.scoredOf('pinned');
    expect(scored).toMatchObject({ version: '8', role: 'pinned', features: { values: [7, 337, 0] } });
    expect(scored.score).toBeCloseTo(logisticScore([7, 337, 0], 1), 6);
  });

  it('on the batch lane like on the other', async () => {
    await installation.send({ ...structured('batch', flight()), topic: 'prediction.requested.batch.v1' });
    expect(await installation.answers.scoredOf('batch')).toMatchObject({ lane: 'batch', version: '7' });
  });

  it('twice when it comes twice, under one prediction id; the same id from two sources is two predictions', async () => {
    await installation.send(structured('copied', flight()), structured('copied', flight()), structured('copied', flight(), { source: '/other' }));
    const ids = await installation.answers.until('three answers', () => {
      const found = installation.answers.scored.filter(({ data }) => data.requestId === 'copied');
      return found.length === 3 && found.map(({ data }) => data.predictionId);
    });
    expect(new Set(ids)).toEqual(new Set([predictionId('/test', 'copied'), predictionId('/other', 'copied')]));
  });
});

describe('a request is rejected', () => {
  it.each([
    ['unknown_model', { model: 'nobody', features: {} }],
    ['unknown_version', flight({ version: '99' })],
    ['feature_missing', { model: 'flights', features: { hour: 7 } }],
    ['wrong_type', { model: 'flights', features: { hour: 'seven', distance: 1 } }],
    ['value_forbidden', { model: 'flights', features: { hour: 'NaN', distance: 1 } }],
    ['wrong_shape', { model: 'flights', inputs: [{ name: 'input', shape: [1, 2], datatype: 'FP32', data: [1, 2] }] }],
    ['wrong_shape', { model: 'flights', inputs: [{ name: 'input', shape: [2, 3], datatype: 'FP32', data: [1, 2, 3, 4, 5, 6] }] }],
    ['model_failed', { model: 'table', features: { index: 11 } }],
    ['schema_invalid', flight({ occurredAt: '2001-13-40T00:00:00Z' })],
    ['schema_invalid', { features: { hour: 7 } }],
  ])('as %s for %j', async (code, data) => {
    const id = `rejected ${JSON.stringify(data)}`;
    await installation.send(structured(id, data));
    const rejected = await installation.answers.rejectedOf(id);
    expect(rejected).toMatchObject({ code, predictionId: predictionId('/test', id), worker: 'worker-under-test', lane: 'stream' });
    expect(rejected.reason).not.toBe('');
    expect(rejected.cure).not.toBe('');
    expect(installation.answers.scored.filter(({ data: { requestId } }) => requestId === id)).toEqual([]);
  });

  it('as deadline_exceeded when its time was over before it was picked up', async () => {
    expect(await installation.answers.rejectedOf('late')).toMatchObject({ code: 'deadline_exceeded', model: 'flights' });
  });

  it('as undecodable for garbage bytes, under its place in the topic, and the bytes are kept as a dead letter', async () => {
    const garbage = Buffer.from([0xff, 0x00, 0x7b, 0x22]);
    await installation.send({ topic: TOPIC, key: 'garbage', value: garbage });
    const { data } = await installation.answers.until('the garbage', () => installation.answers.rejected.find(({ data: { code } }) => code === 'undecodable'));
    expect(data.requestSource).toBe(TOPIC);
    const letters: (Buffer | null)[] = [];
    await expect.poll(async () => {
      letters.length = 0;
      await installation.bus.admin.scan('dead-letter.v1', (messages) => void letters.push(...messages.map(({ value }) => value)));
      return letters.some((value) => value?.equals(garbage));
    }, { timeout: 10_000 }).toBe(true);
  });

  it('alone: the rows beside it are answered', async () => {
    const table = (index: number | string) => structured(`table ${index}`, { model: 'table', features: { index } });
    // One key, so that all of them are in one partition and mostly in one batch.
    await installation.send(...Array.from({ length: 100 }, (_, index) => ({ ...table(index), key: 'table' })));
    await installation.answers.until('ten scores and ninety rejections', () => {
      const scored = installation.answers.scored.filter(({ data }) => data.model === 'table');
      const rejected = installation.answers.rejected.filter(({ data }) => data.requestId.startsWith('table ') && data.code === 'model_failed');
      return scored.length === 10 && rejected.length === 90;
    });
    for (const { data } of installation.answers.scored.filter(({ data: { model } }) => model === 'table')) {
      expect(data.score).toBe(data.features.values[0]);
      expect(data.batchSize).toBeLessThanOrEqual(10);
    }
  });
});
