import type { AnyTopic } from './topics.js';

/** Names on the broker and in the code differ by the installation's prefix; only adapters know it. */
export interface Names {
  topic(name: AnyTopic): string;
  /**
   * The broker's group of a subscription: one a topic. kafkajs assigns all members of a group what the leader alone subscribes to, so that
   * members of different topics in one group would get each other's partitions, and nothing would be consumed.
   */
  group(name: string, topic: AnyTopic): string;
}

export const prefixedNames = (prefix: string): Names => ({ topic: (name) => `${prefix}${name}`, group: (name, topic) => `${prefix}${name}.${topic}` });
