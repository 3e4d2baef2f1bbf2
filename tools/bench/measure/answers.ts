import type { Kafka, KafkaMessage } from 'kafkajs';

/** The first messages of a topic that arrive together. */
export async function sampleOf(kafka: Kafka, topic: string): Promise<readonly KafkaMessage[]> {
  const consumer = kafka.consumer({ groupId: `sample-${topic}-${performance.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const sample = await new Promise<readonly KafkaMessage[]>((resolve) => {
    void consumer.run({ autoCommit: false, eachBatch: async ({ batch }) => resolve(batch.messages) });
  });
  await consumer.disconnect();
  return sample;
}

export const meanValueBytes = (messages: readonly KafkaMessage[]): number => Math.round(messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0) / messages.length);
