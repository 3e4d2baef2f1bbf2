import { expect, it } from 'vitest';
import { hourSentences, hourTables, type HourlyBooks } from './audit-hours.js';

const none = { scored: 0, fallback: 0, rejected: 0, recorded: 0, joined: 0, superseded: 0, pending: 0, ofRejected: 0, copies: 0, deadLetters: 0, inFlight: 0, missing: 0, vanished: 0, unrecorded: 0 };
const requests = { topic: 'prediction.requested.v1', kind: 'requests' as const, messages: 10, ...none, scored: 8, copies: 1, missing: 1 };
const books = (over: Partial<HourlyBooks> = {}): HourlyBooks => ({
  from: '2026-11-21T09:00:00.000Z', to: '2026-11-21T11:00:00.000Z', checkedAt: '2026-11-21T10:30:00.000Z', balanced: false, total: { inFlight: 0, missing: 1, vanished: 0, unrecorded: 0 },
  topics: [{ ...requests, unverifiable: 0 }], hours: [{ ...requests, hour: '2026-11-21T09:00:00.000Z' }],
  missing: [{ topic: 'prediction.requested.v1', partition: 2, from: 7, to: 8, hour: '2026-11-21T09:00:00.000Z' }], ...over,
});

it('the table has a line for each topic and hour in which something was, and a sum where there are several', () => {
  const hours = [requests, { ...requests, messages: 0, scored: 0, copies: 0, missing: 0 }, requests].map((one, index) => ({ ...one, hour: `2026-11-21T0${index}:00:00.000Z` }));
  const [table] = hourTables(books({ hours }));
  expect(table!.map(([topic, hour]) => [topic, hour])).toEqual([
    ['Requests', 'hour (UTC)'], ['prediction.requested.v1', '2026-11-21T00:00'], ['prediction.requested.v1', '2026-11-21T02:00'], ['prediction.requested.v1', 'in all'],
  ]);
});

it('what is missing is named with its place, and what to do is said', () => {
  expect(hourSentences(books())).toEqual([
    'Missing: prediction.requested.v1/2/7, of the hour 2026-11-21T09:00',
    'The books do not balance: 1 missing, 0 vanished; `npx throughline audit --deep` names each by its id. What to do: docs/ledger.md, “When something is wrong”.',
  ]);
  expect(hourSentences(books(), true).at(-1)).not.toContain('--deep');
});

it('of hours in which nothing was, it is said, for books of nothing balance', () => {
  expect(hourSentences(books({ balanced: true, missing: [], hours: [], topics: [] }))).toEqual([expect.stringMatching(/^Nothing was asked.* from 2026-11-21T09:00 until 2026-11-21T11:00.*event times/), 'The books balance.']);
});

it('what nobody can tell is said beside the verdict, and changes nothing about it', () => {
  const sentences = hourSentences(books({ balanced: true, missing: [], topics: [{ ...requests, missing: 0, unverifiable: 1200 }] }));
  expect(sentences).toEqual([expect.stringContaining('1,200 of prediction.requested.v1'), 'The books balance.']);
});
