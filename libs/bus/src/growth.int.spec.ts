import { afterEach, describe, expect, it, vi } from 'vitest';
import { createClient } from './kafkajs/client.js';
import { prefixedNames } from './names.js';
import { silentLogger, type BusSettings } from './settings.js';
import { closeTracked, tracked } from './testing/contract-suite.js';
import { eventually, numbered, numberOf, range, sorted, TOPIC } from './testing/fixtures.js';
import { CLIENTS, kafkaInstallation } from './testing/kafka.js';

vi.setConfig({ testTimeout: 40_000 });
afterEach(closeTracked);

/** Doubles the topic's partitions, and sends one message to each of those that are new once `joinAnew` is through. */
async function grow(settings: BusSettings, joinAnew: () => Promise<void>): Promise<number[]> {
  const kafka = createClient(settings, 'growth', silentLogger);
  const topic = prefixedNames(settings.KAFKA_TOPIC_PREFIX ?? '').topic(TOPIC);
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  await Promise.all([admin.connect(), producer.connect()]);
  try {
    const before = (await admin.fetchTopicOffsets(topic)).length;
    await admin.createPartitions({ topicPartitions: [{ topic, count: 2 * before }] });
    await eventually(async () => expect(await admin.fetchTopicOffsets(topic)).toHaveLength(2 * before));
    await joinAnew();
    const added = range(before, before);
    const messages = added.map((partition) => {
      const { key, value, headers } = numbered(1_000 + partition);
      return { partition, key, value, headers: { ...headers } };
    });
    await producer.send({ topic, messages });
    return added.map((partition) => 1_000 + partition);
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }
}

describe.each(CLIENTS)('a topic that gets more partitions while it is consumed, by %s', (client) => {
  it('is consumed whole after the next rebalance, by members that were there before', async () => {
    const installation = await kafkaInstallation(client);
    const [first, second] = [tracked(installation.connect()), tracked(installation.connect())];
    const seen = new Set<number>();
    await first.subscribe({ topic: TOPIC, group: 'grown', handler: async ({ events }) => events.forEach((event) => seen.add(numberOf(event))) });
    await first.producer.sendAll(range(100).map((n) => numbered(n)));
    await eventually(() => expect(sorted(seen)).toEqual(range(100)));
    const added = await grow(installation.settings, async () => {
      await second.subscribe({ topic: TOPIC, group: 'grown', handler: async () => {} });
      await second.stopConsuming();
    });
    await eventually(() => expect(sorted(seen)).toEqual([...range(100), ...added]));
  });
});
