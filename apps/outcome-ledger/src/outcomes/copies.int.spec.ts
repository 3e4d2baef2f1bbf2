import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { deployment, idOf, outcome, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import { get, joinsOf, joinsOnce, recorded } from './testing.js';

vi.setConfig({ testTimeout: 60_000 });

let home: Installation;
let ledger: RunningService;

beforeAll(async () => {
  home = await install();
  await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment() }]);
  ledger = await home.startLedger();
}, 60_000);
afterAll(() => home.close());

const duplicates = async (): Promise<number> => (await get(ledger, '/ledger/v1/summary')).duplicateOutcomes;
const predicted = async (requestId: string): Promise<void> => {
  await home.publish('prediction.scored.v1', [{ data: scored(requestId) }]);
  await recorded(home, requestId);
};

it('a thousand copies of an outcome have one effect, and the books say that 999 were copies', async () => {
  await predicted('copied');
  const before = await duplicates();
  await home.publish('outcome.observed.v1', Array.from({ length: 1000 }, (_, index) => ({ key: `k-${index % 7}`, id: `copy-${index}`, data: outcome('copied') })));
  await eventually('the copies', async () => (await duplicates()) === before + 999);
  expect(await joinsOnce(home, 'copied', 1)).toHaveLength(1);
  expect(await home.sql('SELECT 1 FROM outcome WHERE subject_id = $1', [idOf('copied')])).toHaveLength(1);
});

it('a correction of a correction that comes before what it corrects holds, and what comes later is history', async () => {
  await predicted('twice');
  for (const sequence of [2, 1, 0]) await home.publish('outcome.observed.v1', [{ key: 'same', data: outcome('twice', { sequence, value: sequence !== 1 }) }]);
  await eventually('the history', async () => (await home.sql('SELECT 1 FROM outcome WHERE subject_id = $1', [idOf('twice')])).length === 3);
  expect((await joinsOf(home, 'twice')).map(({ sequence, correction }) => [sequence, correction])).toEqual([[2, false]]);
});

it('a prediction that is corrected without end costs each batch the same', async () => {
  await predicted('endless');
  const chunk = (from: number) => Array.from({ length: 1000 }, (_, index) => ({ key: 'endless', data: outcome('endless', { sequence: from + index, value: index % 2 === 0 }) }));
  const kept = async (count: number): Promise<number> => {
    const startMs = performance.now();
    await eventually('the corrections', async () => Number((await home.sql<{ n: string }>('SELECT count(*) AS n FROM outcome WHERE subject_id = $1', [idOf('endless')]))[0]!.n) === count);
    return performance.now() - startMs;
  };
  for (let from = 0; from < 10_000; from += 1000) await home.publish('outcome.observed.v1', chunk(from));
  await kept(10_000);
  const rows = await home.sql<Record<string, string>>(`EXPLAIN (ANALYZE, FORMAT TEXT) SELECT * FROM outcome WHERE subject_id = '${idOf('endless')}' ORDER BY source DESC, sequence DESC LIMIT 1`);
  expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(/Index Scan Backward.*\(actual [^)]*rows=1(\.00)? /);
  expect(await eventually('the last one', async () => (await joinsOf(home, 'endless')).find(({ sequence }) => sequence === 9999))).toMatchObject({ correction: true, outcome: false });
});

it('a prediction for which thousands of outcomes wait is joined with the last, and the books know all of them', async () => {
  const unmatched = async (): Promise<number> => (await get(ledger, '/ledger/v1/summary')).unmatched;
  const before = await unmatched();
  for (let from = 0; from < 3000; from += 1000) {
    await home.publish('outcome.observed.v1', Array.from({ length: 1000 }, (_, index) => ({ key: 'waited', data: outcome('waited', { sequence: from + index, source: index % 2 === 0 ? 'a' : 'z', observedAt: index % 2 === 0 ? '2001-02-04T00:00:00Z' : '2001-02-03T12:00:00Z' }) })));
  }
  await eventually('all waiting', async () => (await unmatched()) === before + 3000);
  await predicted('waited');
  expect(await joinsOnce(home, 'waited', 1)).toMatchObject([{ outcomeSource: 'a', sequence: 2998, correction: false }]);
  expect(await unmatched()).toBe(before);
});
