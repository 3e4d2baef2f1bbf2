import { TOPICS } from '@throughline/contracts';
import { baseTopicOf, toTopic, type AnyTopic } from './topics.js';

export interface TopicSettings {
  readonly partitions: number;
  readonly configs: readonly { readonly name: string; readonly value: string }[];
}

/** How a topic is created, whichever client does it. */
export function topicSettings(topic: AnyTopic): TopicSettings {
  const { partitions, retention } = TOPICS[baseTopicOf(toTopic(topic))!];
  return {
    partitions,
    configs: [
      retention === 'compact' ? { name: 'cleanup.policy', value: 'compact' } : { name: 'retention.ms', value: String(retention.ms) },
      // Deadlines and partition days rest on the time of arrival; a producer's clock may be anything.
      { name: 'message.timestamp.type', value: 'LogAppendTime' },
      // Producers may compress with what kafkajs cannot read (snappy, lz4, zstd): it would kill the consumer. The broker unpacks it instead.
      { name: 'compression.type', value: 'uncompressed' },
    ],
  };
}
