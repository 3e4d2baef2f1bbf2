import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOUR_MS, kindOf, placeOf, topicOfRow } from './places.js';
import { isMadeAnew, suspiciousSinceMs } from './epochs.js';
import { boundsOf, NOTHING_SETTLED, settle, type PartitionReading, type Reading } from './positions.js';
import { balances, hourAccounts, topicAccounts, type Evidence } from './report.js';
import { multirange, segmentsOf, SEGMENT_OFFSETS } from './segments.js';
import { hourSpans, wholeSpans } from './spans.js';

const REQUESTS = 'prediction.requested.v1';

describe('places', () => {
  it('a place is one of a topic with books; whatever else somebody claims is none', () => {
    expect(placeOf(`${REQUESTS}.team-a/3/17`)).toEqual({ topic: `${REQUESTS}.team-a`, partition: 3, offset: 17 });
    for (const claim of [undefined, '', 'x', `${REQUESTS}/1`, `${REQUESTS}/-1/1`, `${REQUESTS}/1/1e9`, `${REQUESTS}/1/9999999999999999`, 'feature.observed.v1/0/1', `${REQUESTS}x/0/1`]) expect(placeOf(claim)).toBeUndefined();
    expect(kindOf('prediction.shadowed.v1')).toBeUndefined();
  });

  it('a row stands under the topic of its request, under HTTP without one, and elsewhere when it claims another', () => {
    expect([topicOfRow(`${REQUESTS}/0/1`), topicOfRow(null), topicOfRow('prediction.scored.v1/0/1'), topicOfRow('nonsense')]).toEqual([REQUESTS, 'http', 'elsewhere', 'elsewhere']);
  });
});

describe('sets of offsets', () => {
  const offsetsOf = (text: string): number[] => [...text.matchAll(/\[(\d+),(\d+)\)/g)].flatMap(([, from, to]) => Array.from({ length: Number(to) - Number(from) }, (_, index) => Number(from) + index));

  it('hold each offset once, in as few ranges as there can be', () => {
    fc.assert(fc.property(fc.array(fc.nat(60)), (offsets) => {
      const distinct = [...new Set(offsets)].sort((a, b) => a - b);
      expect(offsetsOf(multirange(offsets))).toEqual(distinct);
      expect(multirange(offsets).split('[').length - 1).toBe(distinct.filter((offset) => !distinct.includes(offset - 1)).length);
    }));
  });

  it('are cut into pieces, none of which holds an offset of another', () => {
    fc.assert(fc.property(fc.array(fc.record({ topic: fc.constantFrom(REQUESTS, 'outcome.observed.v1'), partition: fc.nat(2), offset: fc.nat(5 * SEGMENT_OFFSETS) })), (places) => {
      const found = segmentsOf(places).flatMap(({ topic, partition, segment, offsets }) => offsetsOf(offsets).map((offset) => {
        expect(Math.floor(offset / SEGMENT_OFFSETS)).toBe(segment);
        return `${topic}/${partition}/${offset}`;
      }));
      expect(found.toSorted()).toEqual([...new Set(places.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`))].sort());
    }));
  });
});

describe('what is settled', () => {
  const at = (topic: string, high: number, committed: number | undefined, low = 0): PartitionReading => ({ topic, partition: 0, low, high, committed });
  const reading = (answered: number | undefined, answersEnd: number, recorded: number | undefined): Reading => ({ requests: [at(REQUESTS, 100, answered)], answers: [at('prediction.scored.v1', answersEnd, recorded)], outcomes: [] });
  const settledAt = (readings: readonly Reading[]): number => readings.reduce(settle, NOTHING_SETTLED).settled.get(`${REQUESTS}/0`) ?? 0;

  it('is what the workers were done with when everything they had answered until then is taken in', () => {
    expect(settledAt([reading(10, 10, 10)])).toBe(10);
    expect(settledAt([reading(10, 10, 9)])).toBe(0);
    expect(settledAt([reading(10, 10, 9), reading(20, 20, 10)])).toBe(10);
    expect(settledAt([reading(undefined, 0, undefined)])).toBe(0);
  });

  it('goes on under traffic that never stops, and never runs ahead of the ledger', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { minLength: 1 }), (steps) => {
      let [answered, recorded] = [0, 0];
      let settling = NOTHING_SETTLED;
      for (const [more, taken] of steps) {
        answered += more;
        recorded = Math.min(answered, recorded + taken);
        settling = settle(settling, reading(answered, answered, recorded));
        expect(settling.settled.get(`${REQUESTS}/0`) ?? 0).toBeLessThanOrEqual(recorded);
      }
      settling = settle(settle(settling, reading(answered + 9, answered + 9, answered)), reading(answered + 99, answered + 99, answered + 9));
      expect(settling.settled.get(`${REQUESTS}/0`)).toBeGreaterThanOrEqual(answered);
    }));
  });

  it('lies within what Kafka has, whatever the groups say', () => {
    const bounds = boundsOf({ requests: [at(REQUESTS, 50, 10, 20)], answers: [], outcomes: [at('outcome.observed.v1', 5, 9)] }, { settled: new Map([[`${REQUESTS}/0`, 70]]), pending: undefined }, new Map());
    expect(bounds.map(({ settled }) => settled)).toEqual([50, 5]);
  });
});

describe('spans', () => {
  it('cover each offset of a partition exactly once, by hours as in one piece', () => {
    const numbers = fc.tuple(fc.nat(50), fc.nat(50), fc.nat(50)).map((three) => three.toSorted((a, b) => a - b));
    fc.assert(fc.property(numbers, fc.array(fc.nat(60), { maxLength: 6 }), ([low, settled, high], starts) => {
      const bounds = { topic: REQUESTS, partition: 0, low: low!, settled: settled!, high: high! };
      const hours = [0, ...starts.toSorted((a, b) => a - b), 1000].map((offset, index) => ({ hourMs: index * HOUR_MS, offset }));
      const cover = (spans: { from: number; to: number; kind: string }[]): string[] => spans.flatMap(({ from, to, kind }) => Array.from({ length: to - from }, (_, index) => `${from + index} ${kind}`)).sort();
      expect(cover(hourSpans(bounds, hours))).toEqual(cover(wholeSpans([bounds]).filter(({ kind }) => kind !== 'deleted')));
      expect(cover(wholeSpans([bounds]))).toHaveLength(high!);
    }));
  });
});

describe('accounts', () => {
  const counts = fc.record({ handled: fc.nat(20), missing: fc.nat(3), inFlight: fc.nat(3), rows: fc.nat(20), lost: fc.nat(3) });

  it('of every message there is one thing said: messages = scored + fallback + rejected + copies + in flight + missing + vanished', () => {
    fc.assert(fc.property(counts, ({ handled, missing, inFlight, rows: wanted, lost: gone }) => {
      const recorded = Math.min(handled, wanted);
      const vanished = Math.min(recorded, gone);
      const span = { topic: REQUESTS, partition: 0, hourMs: 0 };
      const evidence: Evidence = {
        judged: [
          { span: { ...span, kind: 'settled', from: 0, to: handled + missing }, covered: { handled, deadLetters: 0 } },
          { span: { ...span, kind: 'open', from: handled + missing, to: handled + missing + inFlight }, covered: { handled: 0, deadLetters: 0 } },
        ],
        rows: [{ topic: REQUESTS, hourMs: 0, state: 'scored', count: recorded - vanished }],
        balances: [{ topic: REQUESTS, hourMs: 0, recorded, counted: recorded - vanished }], cutHours: new Set(),
      };
      const [account] = hourAccounts(evidence);
      expect(account!.scored + account!.copies + account!.inFlight + account!.missing + account!.vanished).toBe(account!.messages);
      expect(balances(account!)).toBe(missing === 0 && vanished === 0);
      expect(topicAccounts([account!], new Map([[REQUESTS, 7]]))).toMatchObject([{ messages: account!.messages, missing, unverifiable: 7 }]);
    }));
  });

  it('of an hour that Kafka has in part the messages are unknown, and so are the copies; what is missing is not', () => {
    const judged = [{ span: { topic: REQUESTS, partition: 0, hourMs: 0, kind: 'settled' as const, from: 5, to: 10 }, covered: { handled: 4, deadLetters: 0 } }];
    const [account] = hourAccounts({ judged, rows: [], balances: [], cutHours: new Set([`${REQUESTS}/0`]) });
    expect(account).toMatchObject({ messages: null, copies: 0, missing: 1 });
  });
});

describe('a topic', () => {
  const seen = { topic: REQUESTS, partition: 0, epoch: 1, openedOffset: 0, high: 10, seenAtMs: 1_000_000 };
  /** Timestamps of the messages from `low` on, and what the books conclude. */
  const isNew = (low: number, timestamps: readonly number[]): boolean => {
    const now = { low, high: low + timestamps.length };
    const sinceMs = suspiciousSinceMs(seen, now);
    if (sinceMs === undefined) return false;
    const first = timestamps.findIndex((at) => at >= sinceMs);
    return isMadeAnew(now, first === -1 ? now.high : low + first);
  };
  const before = (count: number): number[] => Array.from({ length: count }, (_, index) => seen.seenAtMs - 1_000 + index);
  const after = (count: number): number[] => Array.from({ length: count }, (_, index) => seen.seenAtMs + 60_000 + index);

  it.each([
    ['is the same while nothing comes', false, 0, before(10)],
    ['is the same when more comes', false, 0, [...before(10), ...after(100)]],
    ['is the same when retention has taken what was seen', false, 10, after(100)],
    ['is the same when retention has taken a part of it, and when it is empty for that', false, 9, [...before(1), ...after(5)]],
    ['is the same when its end goes back for a while, as after a change of leaders', false, 0, [seen.seenAtMs - 60_000, ...before(3)]],
    ['is another one when it is empty though it was not', true, 0, []],
    ['is another one when it has fewer messages, and all are new', true, 0, after(3)],
    ['is another one when it has grown beyond what was seen', true, 0, after(100)],
    ['is another one when it was made anew just after it was seen, by a clock that is slow', true, 0, [seen.seenAtMs - 5_000]],
  ])('%s', (_, expected, low, timestamps) => expect(isNew(low, timestamps)).toBe(expected));
});
