import { describe, expect, it } from 'vitest';
import { decodeDeadLetter, replayOf } from '../dead-letter.js';
import { toTopic, type OwnTopic } from '../topics.js';
import type { OpenBus } from './contract-suite.js';
import { committedSum, eventually, numbered, numberOf, range, readAll, sorted, TOPIC } from './fixtures.js';

const OWN: OwnTopic<typeof TOPIC> = `${TOPIC}.team-a`;
const ownNumbered = (n: number, key?: string) => ({ ...numbered(n, key), topic: OWN });

export function ownTopicsContract(open: OpenBus): void {
  describe('topics of somebody’s own', () => {
    it('are made like the one they extend, once', async (test) => {
      const bus = (await open(test)).connect();
      expect(await bus.admin.ensureTopic(OWN)).toEqual({ created: true });
      expect(await bus.admin.ensureTopic(OWN)).toEqual({ created: false });
      expect(await bus.admin.offsets(OWN)).toHaveLength((await bus.admin.offsets(TOPIC)).length);
    });

    it('are apart from the one they extend, in what is read and in what is committed', async (test) => {
      const bus = (await open(test)).connect();
      await bus.admin.ensureTopic(OWN);
      const seen = { common: [] as number[], own: [] as number[] };
      const names = new Set<string>();
      await bus.subscribe({ topic: TOPIC, group: 'apart', handler: async ({ events }) => void seen.common.push(...events.map(numberOf)) });
      await bus.subscribe({
        topic: TOPIC,
        ownTopic: OWN,
        group: 'apart',
        handler: async ({ topic, events }) => {
          expect(topic).toBe(TOPIC);
          for (const event of events) names.add(`${event.topic} ${event.message.topic}`);
          seen.own.push(...events.map(numberOf));
        },
      });
      await bus.producer.sendAll(range(100).map((n) => (n % 2 === 0 ? numbered(n) : ownNumbered(n))));
      await eventually(async () => expect([await committedSum(bus, 'apart'), await committedSum(bus, 'apart', OWN)]).toEqual([50, 50]));
      expect(sorted(seen.common)).toEqual(range(100).filter((n) => n % 2 === 0));
      expect(sorted(seen.own)).toEqual(range(100).filter((n) => n % 2 === 1));
      expect([...names]).toEqual([`${TOPIC} ${OWN}`]);
      expect(await readAll(bus, OWN)).toHaveLength(50);
    });

    it('name the message that has no envelope, are named in its dead letter, and get it back', async (test) => {
      const bus = (await open(test)).connect();
      await bus.admin.ensureTopic(OWN);
      const sources: string[] = [];
      const attempts: number[] = [];
      let isMended = false;
      await bus.subscribe({
        topic: TOPIC,
        ownTopic: OWN,
        group: 'named',
        handler: async ({ events }) => {
          if (!isMended) throw new TypeError('cannot read it');
          sources.push(...events.map(({ source, id }) => `${source} ${id}`));
          attempts.push(...events.map(({ attempt }) => attempt));
        },
      });
      const { data } = JSON.parse(String(numbered(1).value)) as { data: object };
      await bus.producer.send({ topic: OWN, key: 'one', value: JSON.stringify(data) });
      await eventually(async () => expect(await readAll(bus, 'dead-letter.v1')).toHaveLength(1));
      const letter = decodeDeadLetter((await readAll(bus, 'dead-letter.v1'))[0]!)!;
      expect(letter.original).toMatchObject({ topic: OWN, offset: '0' });
      isMended = true;
      await bus.producer.send(replayOf(letter));
      await eventually(() => expect(attempts).toEqual([1]));
      expect(sources).toEqual([`${OWN} ${letter.original.partition}/1`]);
      expect((await bus.admin.offsets(TOPIC)).every(({ high }) => high === 0n)).toBe(true);
    });

    it('are missed when they are not there', async (test) => {
      const bus = (await open(test)).connect();
      await expect(bus.admin.offsets(OWN)).rejects.toMatchObject({ code: 'not_found' });
      await expect(bus.admin.scan(OWN, () => {})).rejects.toMatchObject({ code: 'not_found' });
      await expect(bus.subscribe({ topic: TOPIC, ownTopic: OWN, group: 'missed', handler: async () => {} })).rejects.toMatchObject({ code: 'unavailable' });
      expect(() => toTopic('prediction.v9')).toThrow('no topic');
    });
  });
}
