import { ContractError } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import { decodeDeadLetter, replayOf, type DeadLetter } from '../dead-letter.js';
import type { Bus } from '../port.js';
import type { OpenBus } from './contract-suite.js';
import { committedSum, eventually, numbered, numberOf, range, readAll, sorted, TOPIC, TRACEPARENT } from './fixtures.js';

export function deadLetterContract(open: OpenBus): void {
  describe('dead letters', () => {
    it('isolates poison from its batch: every other message has its effect, once', async (test) => {
      const bus = (await open(test)).connect();
      const effects: number[] = [];
      await bus.producer.sendAll(range(300).map((n) => numbered(n, 'one')));
      await bus.subscribe({
        topic: TOPIC,
        group: 'poison',
        handler: async ({ events }) => {
          const numbers = events.map(numberOf);
          if (numbers.some((n) => n === 13 || n === 14 || n === 299)) throw new TypeError('cannot read it');
          effects.push(...numbers);
        },
      });
      await eventually(async () => expect(await committedSum(bus, 'poison')).toBe(300));
      expect(effects).toEqual(range(300).filter((n) => ![13, 14, 299].includes(n)));
      const letters = await lettersOf(bus);
      expect(letters.map(({ original }) => JSON.parse(original.value!.toString()).id)).toEqual(['13', '14', '299']);
      expect(letters[0]).toMatchObject({ code: 'poison', reason: 'cannot read it', group: 'poison' });
    });

    it('keeps the bytes, key, headers, coordinates and trace context of what it buries', async (test) => {
      const bus = (await open(test)).connect();
      const garbage = Buffer.from([0x7b, 0xff, 0x00, 0x80, 0x22]);
      await bus.producer.send({ topic: TOPIC, key: Buffer.from([1, 2, 0xfe]), value: garbage, headers: { traceparent: TRACEPARENT, 'x-a': 'b' } });
      await bus.subscribe({ topic: TOPIC, group: 'bury', handler: async () => {} });
      await eventually(async () => expect(await committedSum(bus, 'bury')).toBe(1));
      const [message] = await readAll(bus, 'dead-letter.v1');
      expect(message!.value).toEqual(garbage);
      expect(message!.key).toEqual(Buffer.from([1, 2, 0xfe]));
      expect(message!.headers['traceparent']?.toString()).toBe(TRACEPARENT);
      const letter = decodeDeadLetter(message!)!;
      expect(letter).toMatchObject({ code: 'undecodable', attempts: 1, group: 'bury', original: { topic: TOPIC, offset: '0' } });
      expect(letter.original.timestampMs).toBeGreaterThan(Date.UTC(2026, 0, 1));
      expect(letter.original.headers['x-a']?.toString()).toBe('b');
    });

    it('hands what cannot be decoded to a handler that asks for it', async (test) => {
      const bus = (await open(test)).connect();
      const reasons: string[] = [];
      await bus.producer.sendAll([{ topic: TOPIC, key: 'a', value: '{' }, { topic: TOPIC, key: 'a', value: '{"entityId":1}' }, numbered(1, 'a')]);
      await bus.subscribe({
        topic: TOPIC,
        group: 'asks',
        undecodable: 'handle',
        handler: async ({ events, undecodable }) => {
          reasons.push(...undecodable.map(({ code }) => code), ...events.map(() => 'fine'));
        },
      });
      await eventually(() => expect(reasons).toEqual(['undecodable', 'schema_invalid', 'fine']));
      expect(await lettersOf(bus)).toEqual([]);
    });

    it('buries single messages at the handler’s word, and the last attempt’s word counts', async (test) => {
      const bus = (await open(test)).connect();
      let attempts = 0;
      await bus.producer.sendAll(range(5).map((n) => numbered(n, 'one')));
      await bus.subscribe({
        topic: TOPIC,
        group: 'word',
        handler: async (batch) => {
          attempts += 1;
          batch.deadLetter(batch.events[attempts]!, 'unknown_model', `no model in attempt ${attempts}`);
          if (attempts === 1) throw new ContractError('unavailable', 'later');
        },
      });
      await eventually(async () => expect(await committedSum(bus, 'word')).toBe(5));
      expect(await lettersOf(bus)).toMatchObject([{ code: 'unknown_model', reason: 'no model in attempt 2', attempts: 2 }]);
    });

    it('tries a retriable failure as often as told, then buries only what still fails', async (test) => {
      const bus = (await open(test)).connect();
      const tries = new Map<number, number>();
      await bus.producer.sendAll(range(8).map((n) => numbered(n, 'one')));
      await bus.subscribe({
        topic: TOPIC,
        group: 'retry',
        maxAttempts: 3,
        handler: async ({ events }) => {
          for (const event of events) tries.set(numberOf(event), (tries.get(numberOf(event)) ?? 0) + 1);
          if (events.some((event) => numberOf(event) === 5)) throw new ContractError('overloaded', 'full');
        },
      });
      await eventually(async () => expect(await committedSum(bus, 'retry')).toBe(8));
      expect(await lettersOf(bus)).toMatchObject([{ code: 'overloaded', reason: 'full' }]);
      expect(tries.get(5)).toBeGreaterThanOrEqual(3);
    });

    it('delivers a replay to the group that failed, one attempt higher, and to no other', async (test) => {
      const bus = (await open(test)).connect();
      const seen = { failed: [] as number[], other: [] as number[] };
      let isMended = false;
      await bus.subscribe({
        topic: TOPIC,
        group: 'failed',
        handler: async ({ events }) => {
          if (!isMended && events.some((event) => numberOf(event) === 2)) throw new Error('defect');
          seen.failed.push(...events.map(({ attempt }) => attempt));
        },
      });
      await bus.subscribe({ topic: TOPIC, group: 'other', handler: async ({ events }) => void seen.other.push(...events.map(({ attempt }) => attempt)) });
      await bus.producer.sendAll(range(3).map((n) => numbered(n, 'one')));
      await eventually(async () => expect(await lettersOf(bus)).toHaveLength(1));
      isMended = true;
      await bus.producer.sendAll((await lettersOf(bus)).map(replayOf));
      await eventually(async () => {
        expect(await committedSum(bus, 'failed')).toBe(4);
        expect(await committedSum(bus, 'other')).toBe(4);
      });
      expect(sorted(seen.failed)).toEqual([0, 0, 1]);
      expect(seen.other).toEqual([0, 0, 0]);
    });
  });
}

async function lettersOf(bus: Bus): Promise<DeadLetter[]> {
  const messages = await readAll(bus, 'dead-letter.v1');
  return messages.map((message) => decodeDeadLetter(message)!);
}
