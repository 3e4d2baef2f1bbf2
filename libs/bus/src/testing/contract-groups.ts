import { describe, expect, it } from 'vitest';
import type { EventBatch } from '../port.js';
import type { OpenBus } from './contract-suite.js';
import { COMPACTED, committedSum, eventually, gate, numbered, numberOf, range, sorted, steadyLoad, TOPIC, updated } from './fixtures.js';

export function groupContract(open: OpenBus): void {
  describe('groups', () => {
    it('gives every group everything', async (test) => {
      const bus = (await open(test)).connect();
      const seen = { a: new Set<number>(), b: new Set<number>() };
      await bus.subscribe({ topic: TOPIC, group: 'a', handler: async ({ events }) => events.forEach((event) => seen.a.add(numberOf(event))) });
      await bus.producer.sendAll(range(500).map((n) => numbered(n)));
      await bus.subscribe({ topic: TOPIC, group: 'b', handler: async ({ events }) => events.forEach((event) => seen.b.add(numberOf(event))) });
      await eventually(() => expect([sorted(seen.a), sorted(seen.b)]).toEqual([range(500), range(500)]));
    });

    it('lets one group consume several topics, each member by its own subscriptions', async (test) => {
      const installation = await open(test);
      const [bus, other] = [installation.connect(), installation.connect()];
      const seen = { observed: new Set<number>(), updated: new Set<number>() };
      for (const member of [bus, other]) {
        await member.subscribe({ topic: TOPIC, group: 'both', handler: async ({ events }) => events.forEach((event) => seen.observed.add(numberOf(event))) });
        await member.subscribe({
          topic: COMPACTED,
          group: 'both',
          handler: async ({ events }) => events.forEach((event) => seen.updated.add(numberOf(event))),
        });
      }
      await bus.producer.sendAll(range(400).flatMap((n) => [numbered(n), updated(n)]));
      await eventually(() => expect([sorted(seen.observed), sorted(seen.updated)]).toEqual([range(400), range(400)]));
    });

    it('shares a topic between two members, and loses nothing when members come and go', async (test) => {
      const installation = await open(test);
      const [producing, first, second] = [installation.connect(), installation.connect(), installation.connect()];
      const seen = { first: new Map<number, number>(), second: new Map<number, number>() };
      const count =
        (member: Map<number, number>) =>
        async ({ events }: { events: readonly Parameters<typeof numberOf>[0][] }) => {
          await new Promise((resolve) => setTimeout(resolve, 1));
          for (const event of events) member.set(numberOf(event), (member.get(numberOf(event)) ?? 0) + 1);
        };
      const total = 6_000;
      let sent = 0;
      const send = async (upTo: number): Promise<void> => {
        for (; sent < upTo; sent += 50) await producing.producer.sendAll(range(50, sent).map((n) => numbered(n)));
      };
      await first.subscribe({ topic: TOPIC, group: 'members', maxBatchSize: 20, handler: count(seen.first) });
      await send(2_000);
      const joining = second.subscribe({ topic: TOPIC, group: 'members', maxBatchSize: 20, handler: count(seen.second) });
      await send(4_000);
      await joining;
      await eventually(async () => {
        await send(sent + 50);
        expect(seen.second.size).toBeGreaterThan(0);
      });
      await first.stopConsuming();
      await send(Math.max(total, sent + 500));
      await eventually(async () => expect(await committedSum(producing, 'members')).toBe(sent));
      expect(sorted(new Set([...seen.first.keys(), ...seen.second.keys()]))).toEqual(range(sent));
    });

    it('handles nothing twice when members join and leave in good order, under steady load', async (test) => {
      const installation = await open(test);
      const [producing, first, second] = [installation.connect(), installation.connect(), installation.connect()];
      const times = new Map<number, number>();
      const handled = { first: 0, second: 0 };
      const handlerOf = (member: keyof typeof handled) => async (batch: EventBatch<typeof TOPIC>) => {
        const numbers = batch.events.map(numberOf);
        await new Promise((resolve) => setTimeout(resolve, 30));
        handled[member] += numbers.length;
        for (const n of numbers) times.set(n, (times.get(n) ?? 0) + 1);
      };
      const load = steadyLoad(producing);
      const shared = { topic: TOPIC, group: 'in-good-order', maxBatchSize: 20, maxInFlightBatches: 3 } as const;
      await first.subscribe({ ...shared, handler: handlerOf('first') });
      await eventually(() => expect(handled.first).toBeGreaterThan(200));
      await second.subscribe({ ...shared, handler: handlerOf('second') });
      await eventually(() => expect(handled.second).toBeGreaterThan(200));
      await second.stopConsuming();
      const handledThen = handled.first;
      await eventually(() => expect(handled.first).toBeGreaterThan(handledThen + 500));
      const sent = await load.stop();
      await eventually(async () => expect(await committedSum(producing, 'in-good-order')).toBe(sent));
      expect(sorted(times.keys())).toEqual(range(sent));
      expect([...times].filter(([, count]) => count > 1)).toEqual([]);
    });

    it('hands a partition over only when its former batches have ended in this process', async (test) => {
      const installation = await open(test);
      const [first, second] = [installation.connect(), installation.connect()];
      const release = gate();
      const running = new Map<number, number>();
      let mostAtOnce = 0;
      const handler = async ({ partition }: { partition: number }): Promise<void> => {
        running.set(partition, (running.get(partition) ?? 0) + 1);
        mostAtOnce = Math.max(mostAtOnce, running.get(partition)!);
        await release.opened;
        running.set(partition, running.get(partition)! - 1);
      };
      await first.producer.sendAll(range(200).map((n) => numbered(n)));
      await first.subscribe({ topic: TOPIC, group: 'again', handler });
      await eventually(() => expect(running.size).toBeGreaterThan(1));
      // The partitions leave with the second member and come back when it goes.
      await second.subscribe({ topic: TOPIC, group: 'again', handler: async () => {} });
      await second.stopConsuming();
      await first.producer.sendAll(range(200, 200).map((n) => numbered(n)));
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(mostAtOnce).toBe(1);
      release.open();
      await eventually(async () => expect(await committedSum(first, 'again')).toBe(400));
    });

    it('hands nothing over while paused, and everything after', async (test) => {
      const bus = (await open(test)).connect();
      const seen: number[] = [];
      const subscription = await bus.subscribe({ topic: TOPIC, group: 'paused', handler: async ({ events }) => void seen.push(...events.map(numberOf)) });
      subscription.pause();
      await bus.producer.sendAll(range(100).map((n) => numbered(n, 'one')));
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(seen).toEqual([]);
      subscription.resume();
      await eventually(() => expect(seen).toEqual(range(100)));
    });
  });
}
