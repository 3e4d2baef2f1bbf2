import type { WireMessage } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import { Lane, type LaneOptions } from './lane.js';

const message = (offset: number, sizeBytes = 10): WireMessage => ({
  topic: 't',
  partition: 0,
  offset: String(offset),
  timestampMs: 0,
  key: null,
  value: Buffer.alloc(sizeBytes),
  headers: {},
});
const messages = (from: number, to: number, sizeBytes?: number): WireMessage[] =>
  Array.from({ length: to - from }, (_, index) => message(from + index, sizeBytes));

/** A lane whose batches end when the test says so. */
function laneOf(options: Partial<LaneOptions> = {}) {
  const batches: { offsets: number[]; signal: AbortSignal; retry: () => void; end: (finished?: boolean) => Promise<void> }[] = [];
  const lane = new Lane({
    partition: 0,
    maxBatchSize: 10,
    maxInFlightBatches: 1,
    maxMessages: 100,
    maxBytes: 100_000,
    onProgress: () => {},
    run: (taken, signal, retry) =>
      new Promise((resolve) => {
        const end = async (finished = true): Promise<void> => {
          resolve(finished);
          await new Promise((next) => setImmediate(next));
        };
        batches.push({ offsets: taken.map(({ offset }) => Number(offset)), signal, retry, end });
      }),
    ...options,
  });
  return { lane, batches };
}

describe('Lane', () => {
  it('hands over in order, and what gathers meanwhile is the next batch', async () => {
    const { lane, batches } = laneOf();
    lane.push(messages(0, 3), 3);
    lane.push(messages(3, 5), 5);
    lane.push(messages(5, 20), 20);
    expect(batches.map(({ offsets }) => offsets)).toEqual([[0, 1, 2]]);
    await batches[0]!.end();
    expect(batches[1]!.offsets).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(lane.committable).toBe(3);
  });

  it('is full by count or by bytes, and has room again at half', async () => {
    const byCount = laneOf({ maxMessages: 20 });
    byCount.lane.push(messages(0, 20), 20);
    expect([byCount.lane.isFull, byCount.lane.hasRoom]).toEqual([true, false]);
    await byCount.batches[0]!.end();
    expect([byCount.lane.isFull, byCount.lane.hasRoom]).toEqual([false, true]);
    const byBytes = laneOf({ maxBytes: 1_000 });
    byBytes.lane.push(messages(0, 10, 100), 10);
    expect(byBytes.lane.isFull).toBe(true);
    await byBytes.batches[0]!.end();
    expect(byBytes.lane.hasRoom).toBe(true);
  });

  it('drops what it has already when the broker delivers again after a rejoin', () => {
    const { lane, batches } = laneOf({ maxInFlightBatches: 5 });
    lane.push(messages(0, 8), 8);
    lane.rejoined();
    lane.push(messages(4, 8), 8);
    lane.push(messages(6, 12), 12);
    expect(batches.flatMap(({ offsets }) => offsets)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('loses nothing when a fetch from before the rejoin arrives after it', () => {
    const { lane, batches } = laneOf({ maxInFlightBatches: 5 });
    lane.push(messages(0, 8), 8);
    lane.rejoined();
    lane.push(messages(8, 10), 10);
    lane.push(messages(10, 12), 12);
    expect(batches.flatMap(({ offsets }) => offsets)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('reads a topic that was made anew from its new beginning, and commits there', async () => {
    const { lane, batches } = laneOf({ maxInFlightBatches: 5 });
    lane.push(messages(100, 105), 105);
    await batches[0]!.end();
    lane.committed = 105;
    lane.push(messages(105, 107), 107);
    lane.push(messages(0, 3), 3);
    expect(lane.committable).toBeUndefined();
    await batches[1]!.end();
    expect(lane.committable).toBeUndefined();
    await batches[2]!.end();
    expect(batches[2]!.offsets).toEqual([0, 1, 2]);
    expect(lane.committable).toBe(3);
  });

  it('starts nothing new while a batch is being retried', async () => {
    const { lane, batches } = laneOf({ maxInFlightBatches: 3 });
    lane.push(messages(0, 10), 30);
    batches[0]!.retry();
    lane.push(messages(10, 30), 30);
    expect(batches).toHaveLength(1);
    await batches[0]!.end();
    expect(batches).toHaveLength(3);
  });

  it('keeps nothing of what it has handed over, even when it never runs empty', async () => {
    const { lane, batches } = laneOf({ maxBatchSize: 1_000 });
    lane.push(messages(0, 1_500), 1_500);
    for (let batch = 0; batch < 20; batch += 1) {
      lane.push(messages(1_500 + batch * 1_000, 2_500 + batch * 1_000), 30_000);
      await batches[batch]!.end();
    }
    expect(batches.flatMap(({ offsets }) => offsets)).toEqual(Array.from({ length: batches.length * 1_000 }, (_, n) => n));
    expect(lane['queue'].length).toBeLessThan(7_000);
  });

  it('neither commits nor repeats what was given up', async () => {
    const { lane, batches } = laneOf();
    lane.push(messages(0, 30), 30);
    lane.close();
    expect(batches[0]!.signal.aborted).toBe(true);
    let isIdle = false;
    void lane.idle().then(() => {
      isIdle = true;
    });
    await Promise.resolve();
    expect(isIdle).toBe(false);
    await batches[0]!.end(false);
    expect(isIdle).toBe(true);
    expect(lane.committable).toBeUndefined();
    expect(batches).toHaveLength(1);
    lane.push(messages(30, 40), 40);
    expect(batches).toHaveLength(1);
  });

  it('counts its lag from the finished prefix to the end of the partition', async () => {
    const { lane, batches } = laneOf();
    expect(lane.lag).toBe(0);
    lane.push(messages(50, 60), 200);
    expect(lane.lag).toBe(150);
    await batches[0]!.end();
    expect(lane.lag).toBe(140);
  });
});
