import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { deployment, idOf, outcome, rejected, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import type { BooksReport } from './auditor.js';
import { ask, Worker } from './testing/worker.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const REQUESTS = 'prediction.requested.v1';
const OWN = 'prediction.requested.v1.team-a';
let home: Installation;
let ledger: RunningService;
let worker: Worker;

beforeAll(async () => {
  home = await install({ BOOKS_EVERY_SECONDS: '0.5' });
  await home.bus.admin.ensureTopic(OWN);
  await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment({ requestTopics: [OWN] }) }]);
  ledger = await home.startLedger();
  worker = new Worker(home);
  await Promise.all([worker.serve(REQUESTS), worker.serve(OWN)]);
});
afterAll(() => home.close());

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const books = async (query = ''): Promise<BooksReport> => (await fetch(`${ledger.url}/ledger/v1/books${query}`)).json() as Promise<BooksReport>;
const metrics = async (): Promise<string> => (await fetch(`${ledger.url}/metrics`)).text();
const of = (report: BooksReport, topic: string) => report.topics.find((one) => one.topic === topic);
const booksWith = (inFlight: number): Promise<BooksReport> => eventually(`${inFlight} in flight`, async () => {
  const report = await books();
  return report.total.inFlight === inFlight && report;
});

it('every request ends as scored, fallback or rejected, is a copy or in flight; every answer is recorded; topics of deployments and HTTP count too', async () => {
  await ask(home.bus, REQUESTS, [...names('s', 30), ...names('f', 3), ...names('r', 4), 's-0', 's-1']);
  await ask(home.bus, OWN, names('o', 5));
  // A second delivery of an answer, and two that came over HTTP.
  await home.publish('prediction.scored.v1', ['http-0', 'http-1', 'http-1'].map((id) => ({ data: scored(id, { lane: 'http', requestCoordinates: undefined as unknown as string }) })));
  await booksWith(0);
  await ask(home.bus, REQUESTS, names('held', 3));
  const report = await booksWith(3);
  expect(report).toMatchObject({ balanced: true, total: { inFlight: 3, missing: 0, vanished: 0, unrecorded: 0 }, missing: [] });
  expect(of(report, REQUESTS)).toMatchObject({ kind: 'requests', messages: 42, scored: 30, fallback: 3, rejected: 4, copies: 2, inFlight: 3, unverifiable: 0 });
  expect(of(report, OWN)).toMatchObject({ kind: 'requests', messages: 5, scored: 5, copies: 0 });
  expect(of(report, 'http')).toMatchObject({ kind: 'http', messages: null, scored: 2 });
  expect(of(report, 'prediction.scored.v1')).toMatchObject({ kind: 'answers', messages: 43, recorded: 43, deadLetters: 0 });
  expect(of(report, 'prediction.rejected.v1')).toMatchObject({ kind: 'answers', messages: 4, recorded: 4 });
  worker.release();
  expect(of(await booksWith(0), REQUESTS)).toMatchObject({ messages: 42, scored: 33 });
});

it('every outcome is joined, overtaken, pending, about a rejected request, a copy or a dead letter', async () => {
  const thousand = Array.from({ length: 1000 }, () => ({ key: idOf('s-3'), data: outcome('s-3') }));
  await home.publish('outcome.observed.v1', [...thousand, { key: idOf('s-3'), data: outcome('s-3', { sequence: 1, value: false }) }]);
  await home.publish('outcome.observed.v1', [{ data: outcome('s-4') }, { data: outcome('r-0') }, { data: outcome('nobody-asked') }, { data: outcome('s-5', { value: 'late' }) }]);
  await home.bus.producer.send({ topic: 'outcome.observed.v1', key: 'garbage', value: 'not JSON' });
  const report = await booksWith(0);
  expect(of(report, 'outcome.observed.v1')).toMatchObject({ kind: 'outcomes', messages: 1006, joined: 2, superseded: 1, ofRejected: 1, pending: 1, deadLetters: 2, copies: 999 });
  expect(report.balanced).toBe(true);
});

it('an outcome of the wrong type that waited for its prediction is a dead letter in the books', async () => {
  await home.publish('outcome.observed.v1', [{ data: outcome('comes-late', { value: 'late' }) }]);
  expect(of(await booksWith(0), 'outcome.observed.v1')).toMatchObject({ pending: 2, deadLetters: 2 });
  await ask(home.bus, REQUESTS, ['comes-late']);
  const report = await booksWith(0);
  expect(of(report, 'outcome.observed.v1')).toMatchObject({ pending: 1, deadLetters: 3 });
  expect(report.balanced).toBe(true);
});

it('a higher attempt that displaces an answer leaves the books balanced', async () => {
  await home.publish('prediction.scored.v1', [{ data: scored('r-1', { attempt: 1 }) }]);
  await eventually('the displaced row', async () => (await home.sql(`SELECT 1 FROM prediction WHERE prediction_id = $1 AND state = 'scored'`, [idOf('r-1')])).length === 1);
  const report = await booksWith(0);
  expect(report.balanced).toBe(true);
  expect(of(report, REQUESTS)).toMatchObject({ rejected: 3 });
});

it('an outcome that fits neither what is declared today nor, therefore, the answer of a higher attempt has not vanished', async () => {
  const declare = async (revision: number, more: Parameters<typeof deployment>[0]): Promise<void> => {
    await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment({ requestTopics: [OWN], revision, ...more }) }]);
    await eventually('the declaration', async () => (await home.sql('SELECT FROM outcome_declaration WHERE revision = $1', [revision])).length === 1);
  };
  await declare(2, { outcome: { positiveFrom: 15 } });
  await home.publish('outcome.observed.v1', [{ key: idOf('s-6'), data: outcome('s-6', { value: 20 }) }]);
  await eventually('the join', async () => (await home.sql('SELECT FROM prediction_joined WHERE prediction_id = $1', [idOf('s-6')])).length === 1);
  const before = of(await booksWith(0), 'outcome.observed.v1')!;
  await declare(3, {});
  await home.publish('prediction.scored.v1', [{ data: scored('s-6', { attempt: 1, requestCoordinates: undefined as unknown as string }) }]);
  await eventually('the displaced join', async () => (await home.sql('SELECT FROM prediction_joined WHERE prediction_id = $1', [idOf('s-6')])).length === 0);
  const report = await booksWith(0);
  expect(report).toMatchObject({ balanced: true, total: { vanished: 0 } });
  expect(of(report, 'outcome.observed.v1')).toMatchObject({ joined: before.joined - 1, superseded: before.superseded + 1 });
});

it('a request that the workers have committed and nobody answered is missing: where, since when, and in the metrics', async () => {
  await ask(home.bus, REQUESTS, ['lost-0']);
  const report = await eventually('the loss', async () => {
    const now = await books();
    return !now.balanced && now;
  });
  expect(report.total).toMatchObject({ missing: 1, vanished: 0 });
  expect(report.missing).toEqual([{ topic: REQUESTS, partition: expect.any(Number), from: expect.any(Number), to: expect.any(Number), hour: expect.stringMatching(/:00:00\.000Z$/) }]);
  expect(of(report, REQUESTS)).toMatchObject({ missing: 1 });
  await eventually('the gauge', async () => /throughline_books_balanced(\{[^}]*\})? 0/.test(await metrics()));
  expect(await metrics()).toMatch(/throughline_books_missing_messages\{[^}]*topic="prediction\.requested\.v1"[^}]*\} 1/);
  // An answer that the ledger could not take in is a dead letter, and no answer.
  const { partition, from } = report.missing[0]!;
  const requestCoordinates = `${REQUESTS}/${partition}/${from}`;
  await home.publish('prediction.rejected.v1', [{ data: rejected('lost-0', { requestCoordinates, requestedAt: '2001-01-01T00:00:00Z' }) }]);
  expect(of(await booksWith(0), 'prediction.rejected.v1')).toMatchObject({ deadLetters: 1, missing: 0 });
  expect((await books()).total).toMatchObject({ missing: 1 });
  await home.publish('prediction.rejected.v1', [{ data: rejected('lost-0', { requestCoordinates }) }]);
  await eventually('balanced books', async () => (await books()).balanced);
});

it('a row that somebody deletes has vanished', async () => {
  await home.sql(`DELETE FROM prediction WHERE prediction_id = $1`, [idOf('s-7')]);
  const report = await books();
  expect(report).toMatchObject({ balanced: false, total: { missing: 0, vanished: 1, unrecorded: 0 } });
  expect(of(report, REQUESTS)).toMatchObject({ vanished: 1 });
  await eventually('the gauge', async () => /throughline_books_vanished_rows(\{[^}]*\})? 1/.test(await metrics()));
});

it('an outcome that somebody deletes has vanished, and so has a join', async () => {
  await home.sql(`DELETE FROM outcome WHERE subject_id = $1`, [idOf('nobody-asked')]);
  expect(of(await books(), 'outcome.observed.v1')).toMatchObject({ vanished: 1, pending: 0 });
  await home.sql(`DELETE FROM prediction_joined WHERE prediction_id = $1`, [idOf('s-4')]);
  expect(of(await books(), 'outcome.observed.v1')).toMatchObject({ vanished: 2, joined: 1 });
});

it('hours outside the question are not in the answer, and a question that makes no sense is refused', async () => {
  const report = await books('?from=2026-01-01T00:30:00Z&to=2026-01-01T03:00:01Z');
  expect(report).toMatchObject({ from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T04:00:00.000Z', balanced: true, hours: [] });
  for (const query of ['?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', '?from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z', '?from=yesterday']) {
    expect((await fetch(`${ledger.url}/ledger/v1/books${query}`)).status).toBe(400);
  }
});
