import type { OutgoingMessage } from '@throughline/bus';
import { STRUCTURED_CONTENT_TYPE } from '@throughline/contracts';
import { seededRandom } from '@throughline/onnx';
import { spawnService, type SpawnedService } from '@throughline/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Installation } from '../testing/installation.js';
import { logistic, logisticScore, numeric, signature } from '../testing/models.js';

const TOPIC = 'prediction.requested.v1';
const GARBAGE = 100_000;
const GOOD = 1_000;
const CHUNK = 5_000;
const SEED = 5;
/** Of the garbage; the rest is what is nearly a request. */
const NOISE_SHARE = 0.6;
const MOST_NOISE_BYTES = 2_048;
const MEBIBYTE = 1024 * 1024;
const PATIENCE_MS = 180_000;
const features = [numeric('hour'), numeric('distance')];

let installation: Installation;
let worker: SpawnedService;

beforeAll(async () => {
  installation = await Installation.create();
  await installation.deploy({ model: 'flights', revision: 1, champion: installation.version('1', logistic(features), signature(features)) });
  worker = await spawnService('inference-worker', { ...installation.env, NODE_OPTIONS: '--max-old-space-size=512' }, { until: 'listening' });
}, 60_000);

afterAll(async () => {
  await worker?.end('SIGTERM');
  await installation?.close();
});

const envelope = (id: string, data: unknown): string => JSON.stringify({ specversion: '1.0', id, source: '/test', type: 'prediction.requested', data });
const good = (index: number): OutgoingMessage => ({
  topic: TOPIC, key: `key-${index % 50}`, headers: { 'content-type': STRUCTURED_CONTENT_TYPE }, value: envelope(`good ${index}`, { model: 'flights', features: { hour: index % 24, distance: index } }),
});

/** Random bytes, at least one and at most so many; each order of magnitude as often as the others. */
function noise(random: () => number, most: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(most ** random()));
  for (let at = 0; at < bytes.length; at++) bytes[at] = Math.floor(random() * 256);
  return bytes;
}

function nearlyRequest(index: number, random: () => number): string | Buffer | null {
  const request = envelope(`bad ${index}`, { model: 'flights', features: { hour: 1, distance: 2 } });
  const damaged = Buffer.from(request);
  damaged[Math.floor(random() * 10)] = 0;
  const values: (string | Buffer | null)[] = [
    null, '', damaged, request.slice(0, -1 - Math.floor(random() * 40)), 'null', '[]', '"text"', String(random()), '{"model":7}',
    '{"features":{}}', '['.repeat(2_000), envelope(`bad ${index}`, null), envelope(`bad ${index}`, { model: 'flights', features: [1, 2] }), envelope(`bad ${index}`, { features: {} }),
  ];
  return values[Math.floor(random() * values.length)]!;
}

/** Nothing that is a request. */
function garbage(index: number, random: () => number): OutgoingMessage {
  const value = index % 100 < 100 * NOISE_SHARE ? noise(random, MOST_NOISE_BYTES) : nearlyRequest(index, random);
  const headers: Record<string, string | Buffer>[] = [{}, { 'content-type': STRUCTURED_CONTENT_TYPE }, { 'content-type': noise(random, 20) }, { ce_id: noise(random, 20), ce_source: noise(random, 20), ce_specversion: '9', traceparent: noise(random, 60) }];
  return { topic: TOPIC, key: noise(random, 16), value, headers: headers[Math.floor(random() * headers.length)]! };
}

async function metric(name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${worker.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `)).filter((line) => line.includes(labels));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
const residentBytes = (): Promise<number> => metric('process_resident_memory_bytes');
async function messagesOn(topic: 'prediction.rejected.v1' | 'prediction.scored.v1' | 'dead-letter.v1'): Promise<number> {
  const partitions = await installation.bus.admin.offsets(topic);
  return partitions.reduce((sum, { high, low }) => sum + Number(high - low), 0);
}

it('answers the 1,000 requests among 100,000 messages of garbage, rejects and keeps every piece of garbage, and holds its memory', async () => {
  const { answers } = installation;
  await installation.send(good(0));
  await answers.scoredOf('good 0');
  const random = seededRandom(SEED);
  const highest = { bytes: await residentBytes() };
  const idle = highest.bytes;

  for (let from = 0; from < GARBAGE; from += CHUNK) {
    const messages = Array.from({ length: CHUNK }, (_, at) => garbage(from + at, random));
    for (let index = 0; index < (GOOD * CHUNK) / GARBAGE; index++) messages.splice(Math.floor(random() * messages.length), 0, good(1 + (from / CHUNK) * ((GOOD * CHUNK) / GARBAGE) + index));
    await installation.send(...messages);
    highest.bytes = Math.max(highest.bytes, await residentBytes());
  }
  await answers.until('every request and every piece of garbage to be answered', () => answers.scored.length >= GOOD + 1 && answers.rejected.length >= GARBAGE, PATIENCE_MS);
  highest.bytes = Math.max(highest.bytes, await residentBytes());

  const scores = new Map(answers.scored.map(({ data }) => [data.requestId, data.score!]));
  expect(scores.size).toBe(GOOD + 1);
  for (let index = 0; index <= GOOD; index++) expect(scores.get(`good ${index}`)).toBeCloseTo(logisticScore([index % 24, index]), 6);
  expect(new Set(answers.rejected.map(({ data }) => data.code))).toEqual(new Set(['undecodable', 'schema_invalid']));
  expect(new Set(answers.rejected.map(({ data }) => data.requestCoordinates)).size).toBe(GARBAGE);

  await expect.poll(() => messagesOn('dead-letter.v1'), { timeout: 30_000 }).toBe(GARBAGE);
  expect(await messagesOn('prediction.rejected.v1')).toBe(GARBAGE);
  expect(await messagesOn('prediction.scored.v1')).toBe(GOOD + 1);
  expect(await metric('throughline_rejections_total')).toBe(GARBAGE);
  expect(await metric('throughline_dead_letters_total')).toBe(GARBAGE);
  expect(await metric('throughline_predictions_total', 'state="scored"')).toBe(GOOD + 1);
  expect(highest.bytes - idle).toBeLessThan(256 * MEBIBYTE);
}, PATIENCE_MS + 60_000);
