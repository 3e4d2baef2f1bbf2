import { ContractError } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import type { BusUnderTest, OpenBus } from './contract-suite.js';
import { committedSum, eventually, gate, numbered, numberOf, range, sorted, TOPIC, TRACEPARENT, type TestEvent } from './fixtures.js';

export function deliveryContract(open: OpenBus): void {
  describe('delivery', () => {
    it('keeps the order of each key, whoever sends in how many calls', async (test) => {
      const bus = (await open(test)).connect();
      const seen = new Map<string, number[]>();
      const sending = range(1_000).map((n) => bus.producer.send(numbered(n)));
      sending.push(bus.producer.sendAll(range(1_000, 1_000).map((n) => numbered(n))));
      await bus.subscribe({
        topic: TOPIC,
        group: 'order',
        maxBatchSize: 100,
        maxInFlightBatches: 1,
        handler: async ({ events }) => {
          for (const event of events) seen.set(event.data.entityId, [...(seen.get(event.data.entityId) ?? []), numberOf(event)]);
        },
      });
      await Promise.all(sending);
      await eventually(() => expect([...seen.values()].flat()).toHaveLength(2_000));
      for (const numbers of seen.values()) expect(numbers).toEqual(sorted(numbers));
    });

    it('hands over value, key, headers and trace context as they were sent', async (test) => {
      const bus = (await open(test)).connect();
      const arrived: TestEvent[] = [];
      const sent = numbered(7, 'ключ', { 'x-custom': 'naïve ✓' });
      await bus.subscribe({ topic: TOPIC, group: 'intact', handler: async ({ events }) => void arrived.push(...events) });
      await bus.producer.send(sent);
      await eventually(() => expect(arrived).toHaveLength(1));
      const [{ traceparent, message }] = arrived as [TestEvent];
      expect(traceparent).toBe(TRACEPARENT);
      expect(message.topic).toBe(TOPIC);
      expect(message.key?.toString()).toBe('ключ');
      expect(message.value?.toString()).toBe(sent.value);
      expect(message.headers['x-custom']?.toString()).toBe('naïve ✓');
    });

    it('commits nothing before the effect', async (test) => {
      const bus = (await open(test)).connect();
      const effect = gate();
      const started = gate();
      await bus.subscribe({
        topic: TOPIC,
        group: 'before',
        handler: async () => {
          started.open();
          await effect.opened;
        },
      });
      await bus.producer.sendAll(range(50).map((n) => numbered(n, 'one')));
      await started.opened;
      // Two commit intervals pass.
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(await committedSum(bus, 'before')).toBe(0);
      effect.open();
      await eventually(async () => expect(await committedSum(bus, 'before')).toBe(50));
    });

    it('commits only the finished prefix when batches finish out of order', async (test) => {
      const bus = (await open(test)).connect();
      const first = gate();
      const finished = new Set<number>();
      await bus.producer.sendAll(range(30).map((n) => numbered(n, 'one')));
      await bus.subscribe({
        topic: TOPIC,
        group: 'prefix',
        maxBatchSize: 10,
        maxInFlightBatches: 3,
        handler: async ({ events }) => {
          if (numberOf(events[0]!) === 0) await first.opened;
          for (const event of events) finished.add(numberOf(event));
        },
      });
      await eventually(() => expect(sorted(finished)).toEqual(range(20, 10)));
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(await committedSum(bus, 'prefix')).toBe(0);
      first.open();
      await eventually(async () => expect(await committedSum(bus, 'prefix')).toBe(30));
    });

    it('holds no more in a handler than it was told, and lets what gathers be the next batch', async (test) => {
      const bus = (await open(test)).connect();
      const handled: number[] = [];
      let running = 0;
      let mostRunning = 0;
      let mostInFlight = 0;
      let largest = 0;
      const subscription = await bus.subscribe({
        topic: TOPIC,
        group: 'bounded',
        maxBatchSize: 64,
        maxInFlightBatches: 2,
        handler: async ({ events }) => {
          running += 1;
          mostRunning = Math.max(mostRunning, running);
          largest = Math.max(largest, events.length);
          mostInFlight = Math.max(mostInFlight, subscription.inFlight);
          await new Promise((resolve) => setTimeout(resolve, 2));
          handled.push(...events.map(numberOf));
          running -= 1;
        },
      });
      await bus.producer.sendAll(range(2_000).map((n) => numbered(n, 'one')));
      await eventually(() => expect(handled).toHaveLength(2_000));
      expect(mostRunning).toBe(2);
      expect(mostInFlight).toBe(128);
      expect(largest).toBe(64);
    });

    it('lets a slow partition hold back no other one', async (test) => {
      const bus = (await open(test)).connect();
      const release = gate();
      const fast: number[] = [];
      const slowPartition = await partitionOf(bus, 'entity-0');
      await bus.subscribe({
        topic: TOPIC,
        group: 'slow',
        maxBatchSize: 50,
        handler: async ({ partition, events }) => {
          if (partition === slowPartition) await release.opened;
          else fast.push(...events.map(numberOf));
        },
      });
      for (const part of range(30)) await bus.producer.sendAll(range(1_000, part * 1_000).map((n) => numbered(n)));
      const others = (await bus.admin.offsets(TOPIC)).filter(({ partition }) => partition !== slowPartition).reduce((sum, { high }) => sum + Number(high), 0);
      await eventually(() => expect(fast).toHaveLength(others));
      release.open();
    });

    it('finishes what is in flight when it stops, commits it, and delivers the rest to the next', async (test) => {
      const installation = await open(test);
      const bus = installation.connect();
      const started = gate();
      const effect = gate();
      const done: number[] = [];
      let wasAborted = false;
      await bus.producer.sendAll(range(100).map((n) => numbered(n, 'one')));
      await bus.subscribe({
        topic: TOPIC,
        group: 'drain',
        maxBatchSize: 10,
        handler: async ({ events, signal }) => {
          started.open();
          await effect.opened;
          wasAborted = signal.aborted;
          done.push(...events.map(numberOf));
        },
      });
      await started.opened;
      const stopping = bus.stopConsuming();
      effect.open();
      await stopping;
      expect(done).toEqual(range(10));
      expect(wasAborted).toBe(true);
      expect(await committedSum(bus, 'drain')).toBe(10);
      const next = installation.connect();
      await next.subscribe({ topic: TOPIC, group: 'drain', handler: async ({ events }) => void done.push(...events.map(numberOf)) });
      await eventually(() => expect(done).toEqual(range(100)));
    });

    it('neither loses nor reorders anything while the world is down, and goes on by itself', async (test) => {
      const bus = (await open(test)).connect();
      const upAtMs = Date.now() + 1_500;
      const done: number[] = [];
      await bus.subscribe({
        topic: TOPIC,
        group: 'outage',
        maxBatchSize: 25,
        maxAttempts: 2,
        handler: async ({ events }) => {
          if (Date.now() < upAtMs) throw new ContractError('unavailable', 'no database');
          done.push(...events.map(numberOf));
        },
      });
      for (const n of range(200)) await bus.producer.send(numbered(n, 'one'));
      await eventually(() => expect(done).toEqual(range(200)));
    });
  });
}

async function partitionOf(bus: ReturnType<BusUnderTest['connect']>, key: string): Promise<number> {
  await bus.producer.send(numbered(0, key));
  return (await bus.admin.offsets(TOPIC)).find(({ high }) => high === 1n)!.partition;
}
