import type { Admin } from 'kafkajs';
import { createClient } from '../kafkajs/client.js';
import { prefixedNames } from '../names.js';
import { silentLogger, type BusSettings } from '../settings.js';
import type { AnyTopic } from '../topics.js';

type Settings = BusSettings & { readonly KAFKA_TOPIC_PREFIX?: string | undefined };

/** Deletes what a partition has before `offset`, as retention would; for tests of what must then be said. */
export async function deleteRecordsBefore(settings: Settings, topic: AnyTopic, partitions: readonly { readonly partition: number; readonly offset: bigint }[]): Promise<void> {
  await asAdmin(settings, topic, async (admin, name) => {
    // kafkajs deletes only of topics whose leaders it has asked for.
    await admin.fetchTopicOffsets(name);
    await admin.deleteTopicRecords({ topic: name, partitions: partitions.map(({ partition, offset }) => ({ partition, offset: String(offset) })) });
  });
}

/** Deletes a topic with all that is in it, and with what groups have committed of it. */
export async function deleteTopic(settings: Settings, topic: AnyTopic): Promise<void> {
  await asAdmin(settings, topic, (admin, name) => admin.deleteTopics({ topics: [name] }));
}

async function asAdmin(settings: Settings, topic: AnyTopic, work: (admin: Admin, name: string) => Promise<void>): Promise<void> {
  const admin = createClient(settings, 'test', silentLogger).admin();
  await admin.connect();
  try {
    await work(admin, prefixedNames(settings.KAFKA_TOPIC_PREFIX ?? '').topic(topic));
  } finally {
    await admin.disconnect();
  }
}
