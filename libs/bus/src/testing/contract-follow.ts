import { describe, expect, it } from 'vitest';
import type { StartOffsets } from '../port.js';
import type { OpenBus } from './contract-suite.js';
import { COMPACTED, eventually, numbered, numberOf, range, readAll, sorted, TOPIC, updated } from './fixtures.js';

export function followContract(open: OpenBus): void {
  describe('following a topic', () => {
    it('reads it from the beginning in every instance, says when it has caught up, and goes on', async (test) => {
      const installation = await open(test);
      const [bus, other] = [installation.connect(), installation.connect()];
      await bus.producer.sendAll(range(500).map((n) => updated(n)));
      const seen = { bus: 0, other: 0 };
      const following = await bus.follow({ topic: COMPACTED, onEvent: () => void (seen.bus += 1) });
      await following.caughtUp;
      expect(seen.bus).toBe(500);
      const second = await other.follow({ topic: COMPACTED, onEvent: () => void (seen.other += 1) });
      await second.caughtUp;
      await bus.producer.sendAll(range(20).map((n) => updated(n)));
      await eventually(() => expect(seen).toEqual({ bus: 520, other: 520 }));
      await eventually(() => expect(following.lag).toBe(0));
    });

    it('begins where it is told to, and reads on from there', async (test) => {
      const bus = (await open(test)).connect();
      await bus.producer.sendAll(range(400).map((n) => updated(n)));
      const from = new Map((await bus.admin.offsets(COMPACTED)).map(({ partition, high }) => [partition, high]));
      await bus.producer.sendAll(range(100, 400).map((n) => updated(n)));
      const seen: number[] = [];
      const following = await bus.follow({ topic: COMPACTED, from, onEvent: (event) => void seen.push(numberOf(event)) });
      await following.caughtUp;
      expect(sorted(seen)).toEqual(range(100, 400));
      await bus.producer.sendAll(range(10, 500).map((n) => updated(n)));
      await eventually(() => expect(sorted(seen)).toEqual(range(110, 400)));
      expect(following.lag).toBe(0);
    });

    it('has caught up at once with an empty topic', async (test) => {
      const bus = (await open(test)).connect();
      const following = await bus.follow({ topic: COMPACTED, onEvent: () => {} });
      await following.caughtUp;
      expect(following.lag).toBe(0);
    });

    it('tells deletions and what it cannot read, and outlives both', async (test) => {
      const bus = (await open(test)).connect();
      const told: string[] = [];
      await bus.producer.sendAll([
        updated(1, 'k'),
        { topic: COMPACTED, key: 'k', value: null },
        { topic: COMPACTED, key: 'k', value: 'no json' },
        updated(2, 'k'),
      ]);
      const following = await bus.follow({
        topic: COMPACTED,
        onEvent: ({ data }) => void told.push(`event ${data.sequence}`),
        onTombstone: (key) => void told.push(`deleted ${key}`),
        onUndecodable: ({ code }) => void told.push(code),
      });
      await following.caughtUp;
      expect(told).toEqual(['event 1', 'deleted k', 'undecodable', 'event 2']);
    });

    it('hears nothing more after it stopped', async (test) => {
      const bus = (await open(test)).connect();
      let seen = 0;
      const following = await bus.follow({ topic: COMPACTED, onEvent: () => void (seen += 1) });
      await following.stop();
      await bus.producer.send(updated(1));
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(seen).toBe(0);
    });
  });

  describe('looking at topics', () => {
    it('scans what is there, without a group', async (test) => {
      const bus = (await open(test)).connect();
      await bus.producer.sendAll(range(1_500).map((n) => numbered(n)));
      expect(await readAll(bus, TOPIC)).toHaveLength(1_500);
      expect(await readAll(bus, 'alert.raised.v1')).toEqual([]);
    });

    it('scans from given offsets on; those that a topic does not hold stand for the nearest that it does', async (test) => {
      const bus = (await open(test)).connect();
      await bus.producer.sendAll(range(300).map((n) => numbered(n)));
      const from = new Map((await bus.admin.offsets(TOPIC)).map(({ partition, high }) => [partition, high]));
      await bus.producer.sendAll(range(200, 300).map((n) => numbered(n)));
      const scan = async (start: StartOffsets): Promise<number> => {
        let count = 0;
        await bus.admin.scan(TOPIC, (messages) => void (count += messages.length), start);
        return count;
      };
      expect(await scan(from)).toBe(200);
      expect(await scan(new Map([...from.keys()].map((partition) => [partition, 1_000_000n])))).toBe(0);
      expect(await scan(new Map([[0, -5n]]))).toBe(500);
    });

    it('knows beginnings, ends and commits', async (test) => {
      const bus = (await open(test)).connect();
      await bus.producer.sendAll(range(10).map((n) => numbered(n)));
      const before = await bus.admin.offsets(TOPIC, 'nobody');
      expect(before).toHaveLength(4);
      expect(before.every(({ committed }) => committed === undefined)).toBe(true);
      expect(before.reduce((sum, { low, high }) => sum + high - low, 0n)).toBe(10n);
      await bus.admin.ping();
    });
  });
}
