import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeEvent, predictionId, type PredictionScored } from '@throughline/contracts';
import { eventually } from '@throughline/local-stack';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { install, type Installation } from './testing/installation.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const SOURCE = '/test/producer';
const NOW = new Date().toISOString();
let home: Installation;

const scored = (requestId: string, customer: string): PredictionScored => ({
  predictionId: predictionId(SOURCE, requestId), requestSource: SOURCE, requestId, lane: 'stream', occurredAt: '2001-02-03T04:05:06Z', requestedAt: NOW, worker: 'w', model: 'flight-delay', version: '1',
  artifactSha256: 'a'.repeat(64), role: 'champion', assignmentRevision: 1, outputs: { probability: [0.75] }, score: 0.75, features: { values: [7, 2] }, timingsMs: { total: 1.5 }, batchSize: 1, scoredAt: NOW, entities: { customer },
});
const list = async (...args: string[]): Promise<{ predictionId: string }[]> => {
  const { out } = await home.run('predictions', 'list', '--json', ...args);
  return out.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as { predictionId: string });
};

beforeAll(async () => {
  home = await install();
  await home.start('outcome-ledger');
  const events = Array.from({ length: 30 }, (_, index) => scored(`p-${index}`, index < 10 ? '42' : '7'));
  await home.bus.producer.sendAll(events.map((data) => ({ topic: 'prediction.scored.v1' as const, key: data.requestId, ...encodeEvent('prediction.scored.v1', { id: data.requestId, source: SOURCE, timeMs: Date.now(), data }) })));
  expect(await eventually(async () => (await list('--limit', '50')).length === 30, 30_000)).toBe(true);
});
afterAll(() => home.close());

it('predictions are listed by a filter, the question is saved, asked again, and written as a Parquet file', async () => {
  const shown = await home.run('predictions', 'list', '--entity', 'customer:42', '--save', 'of-42');
  expect([shown.code, shown.err]).toEqual([0, '']);
  expect(shown.out.split('\n').filter((line) => line.includes('not known yet'))).toHaveLength(10);
  expect(await list('--query', 'of-42', '--limit', '7')).toHaveLength(7);
  expect(await list('--model', 'flight-delay', '--from', '2001-02-03', '--to', '2001-02-04', '--limit', '50')).toHaveLength(30);
  expect((await home.run('predictions', 'list', '--limit', '7')).out).toContain('… and more: --limit');
  expect(shown.out).not.toContain('… and more');
  expect((await home.run('predictions', 'list', '--model', 'flihgt-delay')).out).toContain('`npx throughline models list` names the models');
  expect((await home.run('predictions', 'queries')).out).toContain('of-42');
  const path = join(home.folder, 'of-42.parquet');
  const exported = await home.run('predictions', 'export', '--query', 'of-42', '--output', path);
  expect([exported.code, exported.err]).toEqual([0, '']);
  expect(exported.out).toContain(`${path}: 10 predictions, `);
  expect((await readFile(path)).subarray(0, 4).toString()).toBe('PAR1');
});

it.each([
  [['list', '--query', 'of-42', '--wrong'], 'wrong cannot be added'], [['list', '--query', 'no-such'], 'no saved query “no-such”'], [['list', '--last', 'soon'], 'last'],
  [['export', '--output', 'x.parquet'], 'features of one model'], [['list', '--min-score', 'much'], '--min-score'], [['list', '--from', 'monday'], '--from'],
  [['export', '--model', 'flight-delay', '--output', '/nowhere/x.parquet'], 'cannot write /nowhere/x.parquet'],
  [['export', '--model', 'flight-delay', '--output', '/'], 'it is a folder'],
  [['list', '--stage', 'inference'], 'minStageMs'], [['list', '--limit', '0'], '1 or more'],
])('%j is refused with the place of the fault', async (args, place) => {
  const { code, err } = await home.run('predictions', ...args);
  expect([code, err]).toEqual([2, expect.stringContaining(place)]);
});

it('a file that cannot be written whole is not there', async () => {
  const path = join(home.folder, 'nowhere', 'x.parquet');
  expect((await home.run('predictions', 'export', '--model', 'flight-delay', '--output', path)).code).toBe(2);
  await expect(stat(path)).rejects.toThrow();
});

it('an entity is erased only when somebody says yes, and the proof is shown', async () => {
  const refused = await home.run('erase', '--entity', 'customer:42', '--reason', 'ticket 17');
  expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('nobody said yes')]);
  expect(await list('--entity', 'customer:42')).toHaveLength(10);
  expect((await home.run('erase', '--entity', '42', '--reason', 'ticket 17', '--yes')).err).toContain('names no role');
  const erased = await home.run('erase', '--entity', 'customer:42', '--reason', 'ticket 17', '--yes');
  expect([erased.code, erased.err]).toEqual([0, '']);
  expect(erased.out).toMatch(/predictions\s+10/);
  expect(erased.out).toContain('Nothing in the ledger holds it any more');
  expect(erased.out).not.toContain('Nothing was removed');
  expect((await home.run('erase', '--entity', 'customer:24', '--reason', 'ticket 17', '--yes')).out).toContain('Nothing was removed: no row is about it');
  expect(await list('--entity', 'customer:42')).toHaveLength(0);
  expect(await list('--entity', 'customer:7')).toHaveLength(20);
});
