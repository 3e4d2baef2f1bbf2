import { prefixedNames, type OutgoingMessage } from '@throughline/bus';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { ReplayBooks } from '../domain/replay-books.js';
import { SCHEDULE } from '../domain/schedule.js';
import { FlightReplay } from './flight-replay.js';

// Reading real flights takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const HOUR_MS = 3_600_000;
const { replayFromMs } = SCHEDULE;

interface Published {
  readonly topic: string;
  readonly id: string;
  readonly timeMs: number;
  readonly data: Record<string, unknown>;
}

async function publish(startMs: number, untilMs: number, isFirst: boolean): Promise<{ published: Published[]; warmedUp: Published[]; books: ReplayBooks }> {
  const messages: OutgoingMessage[] = [];
  const books = new ReplayBooks();
  const producer = { sendAll: async (sent: readonly OutgoingMessage[]) => void messages.push(...sent) };
  const range = { readFromMs: startMs - 12 * HOUR_MS, startMs, toMs: replayFromMs + 5 * HOUR_MS, firstRequestMs: replayFromMs };
  const replay = new FlightReplay(range, producer, books, prefixedNames(''));
  await replay.warmUp(isFirst, () => undefined);
  const warmedUp = messages.splice(0).map(opened);
  for (let atMs = startMs; atMs < untilMs; atMs += HOUR_MS / 4) await replay.publishUntil(atMs + HOUR_MS / 4);
  return { published: messages.map(opened), warmedUp, books };
}

function opened({ topic, value }: OutgoingMessage): Published {
  const { id, time, data } = JSON.parse(String(value)) as { id: string; time: string; data: Record<string, unknown> };
  return { topic, id, timeMs: Date.parse(time), data };
}

describe('FlightReplay on real flights', () => {
  let whole: Awaited<ReturnType<typeof publish>>;
  beforeAll(async () => {
    whole = await publish(replayFromMs, replayFromMs + 4 * HOUR_MS, true);
  });

  it('publishes in event time; of each departure the request before what its airport learns of it', () => {
    const { published } = whole;
    expect(published.length).toBeGreaterThan(5000);
    published.slice(1).forEach(({ timeMs }, index) => expect(timeMs).toBeGreaterThanOrEqual(published[index]!.timeMs));
    const positions = new Map(published.map(({ topic, id }, position) => [`${topic} ${id}`, position]));
    const requests = published.filter(({ topic }) => topic === 'prediction.requested.v1');
    expect(requests.length).toBeGreaterThan(1000);
    for (const { id } of requests) expect(positions.get(`prediction.requested.v1 ${id}`)).toBeLessThan(positions.get(`feature.observed.v1 ${id}/flight_departed`)!);
  });

  it('tells the outcome of no flight that it has not asked about', () => {
    const asked = new Set(whole.published.filter(({ topic }) => topic === 'prediction.requested.v1').map(({ id }) => `${id}/outcome`));
    const outcomes = whole.published.filter(({ topic }) => topic === 'outcome.observed.v1').map(({ id }) => id);
    expect(outcomes.length).toBeGreaterThan(300);
    expect(outcomes.filter((id) => !asked.has(id))).toEqual([]);
  });

  it('tells the feature store at first of the time before, and of nothing else', () => {
    const { warmedUp } = whole;
    expect(warmedUp.length).toBeGreaterThan(1000);
    expect(new Set(warmedUp.map(({ topic }) => topic))).toEqual(new Set(['feature.observed.v1']));
    expect(Math.max(...warmedUp.map(({ timeMs }) => timeMs))).toBeLessThan(replayFromMs);
  });

  it('publishes in two runs exactly what it would have in one, each message once, and knows the flights that the first run left in the air', async () => {
    const cutMs = replayFromMs + 2 * HOUR_MS;
    const first = await publish(replayFromMs, cutMs, true);
    const second = await publish(cutMs, replayFromMs + 4 * HOUR_MS, false);
    expect(second.warmedUp).toEqual([]);
    const byId = (a: Published, b: Published) => (`${a.topic} ${a.id}` < `${b.topic} ${b.id}` ? -1 : 1);
    expect([...first.published, ...second.published].sort(byId)).toEqual(whole.published.toSorted(byId));
    expect(new Set(whole.published.map(({ topic, id }) => `${topic} ${id}`)).size).toBe(whole.published.length);
    const { requests, outcomes } = second.books.counts;
    expect(second.books.unjoined().length).toBeGreaterThan(100);
    expect(second.books.unanswered()).toHaveLength(requests);
    expect(first.books.counts.requests + requests).toBe(whole.books.counts.requests);
    expect(first.books.counts.outcomes + outcomes).toBe(whole.books.counts.outcomes);
  });
});
