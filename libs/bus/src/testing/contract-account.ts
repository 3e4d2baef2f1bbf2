import { describe, expect, it } from 'vitest';
import type { AnyTopic, OwnTopic } from '../topics.js';
import { REPLAY_GROUP_HEADER } from '../dead-letter.js';
import type { Bus } from '../port.js';
import type { OpenBus } from './contract-suite.js';
import { committedSum, eventually, numbered, numberOf, range, readAll, sorted, TOPIC } from './fixtures.js';

const OWN: OwnTopic<typeof TOPIC> = `${TOPIC}.of-hours`;

/** What it takes to keep account of every message: where an hour begins, and what no handler has an effect of. */
export function accountContract(open: OpenBus): void {
  describe('keeping account', () => {
    it('the offset at an instant is that of the first message as late, and the end where none is', async (test) => {
      const bus = (await open(test)).connect();
      for (const round of range(3)) {
        await bus.producer.sendAll(range(20, round * 20).map((n) => numbered(n)));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const instants = (await readAll(bus, TOPIC)).map(({ timestampMs }) => timestampMs);
      for (const instant of [-52_000_000_000_000, -2, -1, 0, ...new Set(instants), Math.max(...instants) + 1]) expect(await bus.admin.offsetsAt(TOPIC, instant)).toEqual(await firstAt(bus, TOPIC, instant));
    });

    it('the offset at an instant of an empty topic is its end, and of one that is not there nothing', async (test) => {
      const bus = (await open(test)).connect();
      await expect(bus.admin.offsetsAt(OWN, 0)).rejects.toMatchObject({ code: 'not_found' });
      await bus.admin.ensureTopic(OWN);
      expect([...(await bus.admin.offsetsAt(OWN, 0)).values()]).toEqual([0n, 0n, 0n, 0n]);
    });

    it('tells a handler that asks for it of every message without an effect, before it is committed', async (test) => {
      const bus = (await open(test)).connect();
      const effects: number[] = [];
      const told: string[] = [];
      await bus.producer.sendAll([
        ...range(20).map((n) => numbered(n, 'one')),
        { topic: TOPIC, key: 'one', value: 'not JSON' },
        numbered(20, 'one', { [REPLAY_GROUP_HEADER]: 'another' }),
        numbered(21, 'one', { [REPLAY_GROUP_HEADER]: 'account' }),
      ]);
      await bus.subscribe({
        topic: TOPIC,
        group: 'account',
        unhandled: 'tell',
        handler: async (batch) => {
          const numbers = batch.events.map(numberOf);
          if (numbers.includes(13)) throw new TypeError('cannot read it');
          effects.push(...numbers.filter((n) => n !== 14));
          for (const event of batch.events) if (numberOf(event) === 14) batch.deadLetter(event, 'value_forbidden', 'not this one');
          told.push(...batch.unhandled.map(({ message, code }) => `${message.offset} ${code ?? 'another’s'}`));
        },
      });
      await eventually(async () => expect(await committedSum(bus, 'account')).toBe(23));
      expect(sorted(effects)).toEqual([...range(20).filter((n) => n !== 13 && n !== 14), 21]);
      expect(told.toSorted()).toEqual(['13 poison', '14 value_forbidden', '20 undecodable', '21 another’s']);
      expect(await readAll(bus, 'dead-letter.v1')).toHaveLength(3);
    });
  });
}

async function firstAt(bus: Bus, topic: AnyTopic, instantMs: number): Promise<Map<number, bigint>> {
  const messages = await readAll(bus, topic);
  const ends = await bus.admin.offsets(topic);
  return new Map(ends.map(({ partition, high }) => {
    const later = messages.filter((one) => one.partition === partition && one.timestampMs >= instantMs).map(({ offset }) => BigInt(offset));
    return [partition, later.reduce((least, offset) => (offset < least ? offset : least), high)];
  }));
}
