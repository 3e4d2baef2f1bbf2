import { readFileSync } from 'node:fs';
import { STRUCTURED_CONTENT_TYPE } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { readSignature } from '@throughline/onnx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installation } from '../testing/installation.js';
import { logistic, logisticScore, numeric, signature } from '../testing/models.js';

const TOPIC = 'prediction.requested.v1';
/** One key: whatever the large ones do, the small ones behind them in the partition must not suffer. */
const KEY = 'large';
/** A little below what the bus publishes at most, which is a little below what the broker takes. */
const NEARLY_TOO_LARGE_BYTES = 900_000;
const features = [numeric('hour'), numeric('distance')];
const text = readFileSync(new URL('../../../../tools/onnx-fixtures/models/sklearn-text.onnx', import.meta.url));

let installation: Installation;
let worker: RunningService;

beforeAll(async () => {
  installation = await Installation.create();
  await installation.deploy({ model: 'flights', revision: 1, champion: installation.version('1', logistic(features), signature(features)) });
  const documents = { ...readSignature(text), features: [{ name: 'document', kind: 'categorical' as const }], task: 'other' as const };
  await installation.deploy({ model: 'documents', revision: 1, champion: installation.version('1', text, documents) });
  worker = await installation.startWorker();
}, 60_000);

afterAll(async () => {
  await worker?.close();
  await installation?.close();
});

const request = (id: string, data: object) => ({
  topic: TOPIC, key: KEY, headers: { 'content-type': STRUCTURED_CONTENT_TYPE }, value: JSON.stringify({ specversion: '1.0', id, source: '/test', type: 'prediction.requested', data }),
}) as const;
const small = (id: string) => request(id, { model: 'flights', features: { hour: 7, distance: 337 } });

describe('a message near the size that the broker takes', () => {
  it('is scored, whatever it brings beside the model’s features', async () => {
    const others: Record<string, number> = {};
    for (let at = 0; at < 45_000; at++) others[`other_${at}`] = at;
    const large = request('many features', { model: 'flights', features: { ...others, hour: 7, distance: 337 } });
    expect(large.value.length).toBeGreaterThan(0.9 * NEARLY_TOO_LARGE_BYTES);
    await installation.send(large, small('after many features'));
    const scored = await installation.answers.scoredOf('many features');
    expect(scored.features.values).toEqual([7, 337]);
    expect(scored.score).toBeCloseTo(logisticScore([7, 337]), 6);
    await installation.answers.scoredOf('after many features');
    expect(await (await fetch(`${worker.url}/metrics`)).text()).toContain('throughline_unknown_features_total{model="flights"} 45000');
  });

  it('is rejected when the answer, which repeats the features, would be larger than a message may be', async () => {
    await installation.send(request('long text', { model: 'documents', features: { document: 'late '.repeat(NEARLY_TOO_LARGE_BYTES / 5) } }), small('after long text'));
    expect(await installation.answers.rejectedOf('long text')).toMatchObject({ code: 'message_too_large', model: 'documents' });
    await installation.answers.scoredOf('after long text');
  });

  it('is refused over HTTP, too, with all rows of its request, and the record says the same', async () => {
    const data = ['short', 'late '.repeat(NEARLY_TOO_LARGE_BYTES / 5)];
    const body = JSON.stringify({ id: 'both', inputs: [{ name: 'document', shape: [2, 1], datatype: 'BYTES', data }] });
    const before = installation.answers.rejected.length;
    const response = await fetch(`${worker.url}/v2/models/documents/infer`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect({ status: response.status, ...((await response.json()) as object) }).toMatchObject({ status: 413, error: expect.stringContaining('message_too_large') });
    const rejected = await installation.answers.until('both rows', () => installation.answers.rejected.length >= before + 2 && installation.answers.rejected.slice(before));
    expect(rejected.map(({ data: { code, lane } }) => [code, lane])).toEqual([['message_too_large', 'http'], ['message_too_large', 'http']]);
  });

  it('is scored when only its text is long', async () => {
    await installation.send(request('text', { model: 'documents', features: { document: 'late '.repeat(40_000) } }));
    const scored = await installation.answers.scoredOf('text');
    expect(scored.features.values[0]).toHaveLength(200_000);
    expect(scored.outputs['label']).toEqual([1]);
  });

  it('is rejected when its tensor has dimensions without end', async () => {
    const depth = 100_000;
    const { value, ...message } = request('deep', { model: 'flights', inputs: [{ name: 'input', shape: new Array<number>(depth).fill(1), datatype: 'FP32', data: 'HERE' }] });
    await installation.send({ ...message, value: value.replace('"HERE"', '['.repeat(depth) + ']'.repeat(depth)) }, small('after deep'));
    expect(await installation.answers.rejectedOf('deep')).toMatchObject({ code: 'wrong_shape', reason: expect.stringContaining('100000 dimensions') });
    await installation.answers.scoredOf('after deep');
  });

  it('is rejected and kept when it is garbage', async () => {
    await installation.send({ topic: TOPIC, key: KEY, value: Buffer.alloc(NEARLY_TOO_LARGE_BYTES, 0xff) }, small('after garbage'));
    await installation.answers.until('the garbage to be rejected', () => installation.answers.rejected.some(({ data }) => data.code === 'undecodable'));
    await installation.answers.scoredOf('after garbage');
  });
});
