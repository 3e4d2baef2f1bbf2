import { encodeEvent, predictionId, type EventData, type EventTopic } from '@throughline/contracts';
import { eventually } from '@throughline/local-stack';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { LabelsAnswer } from './domain/labels/labels-text.js';
import type { Rebuild } from './domain/rebuild-text.js';
import { install, type Installation } from './testing/installation.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const SOURCE = '/test/producer';
const HOURS = 48;
const at = (hour: number): string => new Date(Date.UTC(2001, 1, 1) + hour * 3_600_000).toISOString();
const PERIOD = ['--from', at(0), '--to', at(HOURS)];

let home: Installation;
const publish = <T extends EventTopic>(topic: T, all: readonly EventData<T>[]) =>
  home.bus.producer.sendAll(all.map((data, index) => ({ topic, key: String(index), ...encodeEvent(topic, { id: `${topic}-${index}`, source: SOURCE, timeMs: Date.now(), data }) })));
const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await home.run(...args, '--json')).out) as T;

beforeAll(async () => {
  home = await install();
  const signature = { inputs: [], outputs: [], features: [{ name: 'hour', kind: 'numeric' as const }], task: 'binary_classification' as const, score: { output: 'probability', index: 0, threshold: 0.5 } };
  const champion = { version: '1', artifactSha256: 'a'.repeat(64), sizeBytes: 10, signature };
  await publish('model.deployment.v1', [{ model: 'flight-delay', revision: 1, updatedAt: at(0), champion, challengers: [], shadows: [], outcome: { maturitySeconds: 86_400 } }]);
  await home.start('outcome-ledger');
  const hours = Array.from({ length: HOURS }, (_, hour) => hour);
  const requestedAt = new Date().toISOString();
  await publish('prediction.scored.v1', hours.map((hour) => ({
    predictionId: predictionId(SOURCE, `p-${hour}`), requestSource: SOURCE, requestId: `p-${hour}`, lane: 'stream', occurredAt: at(hour), requestedAt, worker: 'w', model: 'flight-delay', version: '1', artifactSha256: 'a'.repeat(64),
    role: 'champion', assignmentRevision: 1, outputs: { probability: [0.75] }, score: 0.75, features: { values: [hour] }, timingsMs: { total: 1 }, batchSize: 1, scoredAt: requestedAt,
  })));
  await publish('outcome.observed.v1', hours.slice(0, 12).map((hour) => ({ predictionId: predictionId(SOURCE, `p-${hour}`), value: true, source: 's', sequence: 0, occurredAt: at(hour + 2) })));
});
afterAll(() => home.close());

it('labels says what is known and what is due, with the curve of delays; what is young is not due', async () => {
  const isJoined = async (): Promise<boolean> => {
    const { code, out } = await home.run('labels', 'flight-delay', '--json');
    return code === 0 && (JSON.parse(out) as LabelsAnswer).total.labelled === 12;
  };
  expect(await eventually(isJoined, 30_000)).toBe(true);
  const { code, out } = await home.run('labels', 'flight-delay', ...PERIOD);
  expect([code, out]).toEqual([0, expect.stringMatching(/^1 +48 +12 +0 +24 +12 +50\.0 % +/m)]);
  expect(out).toContain('A label is due after 1 d.');
  expect(out).toMatch(/^ +6 h \|█+/m);
  expect((await home.run('labels', 'nobody')).err).toContain('not_found');
});

it('outcomes rebuild has a period told again, and says what came of it', async () => {
  const rebuild = await json<Rebuild>('outcomes', 'rebuild', '--model', 'flight-delay', ...PERIOD);
  expect(rebuild).toMatchObject({ status: 'finished', seen: HOURS, unchanged: 12, corrected: 0 });
  expect((await home.run('outcomes', 'rebuild', '--model', 'flight-delay', ...PERIOD)).out).toContain('told as before  12');
  expect((await home.run('outcomes', 'rebuild', '--model', 'nobody', ...PERIOD)).err).toContain('not_found');
});
