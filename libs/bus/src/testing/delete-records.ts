import { createClient } from '../kafkajs/client.js';
import { prefixedNames } from '../names.js';
import { silentLogger, type BusSettings } from '../settings.js';
import type { AnyTopic } from '../topics.js';

/** Deletes what a partition has before `offset`, as retention would; for tests of what must then be said. */
export async function deleteRecordsBefore(settings: BusSettings & { readonly KAFKA_TOPIC_PREFIX?: string | undefined }, topic: AnyTopic, partitions: readonly { readonly partition: number; readonly offset: bigint }[]): Promise<void> {
  const admin = createClient(settings, 'test', silentLogger).admin();
  await admin.connect();
  try {
    const name = prefixedNames(settings.KAFKA_TOPIC_PREFIX ?? '').topic(topic);
    // kafkajs deletes only of topics whose leaders it has asked for.
    await admin.fetchTopicOffsets(name);
    await admin.deleteTopicRecords({ topic: name, partitions: partitions.map(({ partition, offset }) => ({ partition, offset: String(offset) })) });
  } finally {
    await admin.disconnect();
  }
}
