import { randomUUID } from 'node:crypto';
import type { TopicName } from '@throughline/contracts';
import kafkajs from 'kafkajs';
import { createBus, type BusOptions } from '../create-bus.js';
import type { Bus } from '../port.js';
import type { BusSettings } from '../settings.js';
import { topicSettings } from '../topic-settings.js';
import { eventually } from './fixtures.js';

/** The client libraries behind the port. */
export const CLIENTS = ['kafkajs', 'platformatic'] as const;
export type Client = (typeof CLIENTS)[number];

export interface KafkaInstallation {
  readonly settings: BusSettings;
  /** One more process, so to speak; by the installation's client unless told otherwise. */
  connect(options?: BusOptions, client?: Client): Bus;
}

/**
 * Topics of its own on the brokers that the tests were given.
 *
 * @param topics those that the test needs, where it does not need all of them: the broker has work with each
 */
export async function kafkaInstallation(client: Client = 'kafkajs', topics?: readonly TopicName[]): Promise<KafkaInstallation> {
  const brokers = process.env['KAFKA_BROKERS'];
  if (brokers === undefined) throw new Error('KAFKA_BROKERS is not set: integration tests need a real Kafka');
  const settings: BusSettings = { KAFKA_CLIENT: client, KAFKA_BROKERS: brokers.split(','), KAFKA_TOPIC_PREFIX: `test-${randomUUID().slice(0, 8)}.` };
  await (topics === undefined ? createAll(settings) : createOnly(settings, topics));
  return { settings, connect: (options, own = client) => createBus({ ...settings, KAFKA_CLIENT: own }, options) };
}

async function createAll(settings: BusSettings): Promise<void> {
  const bus = createBus(settings);
  await bus.admin.createTopics();
  await bus.close();
}

async function createOnly({ KAFKA_BROKERS: brokers, KAFKA_TOPIC_PREFIX: prefix }: BusSettings, topics: readonly TopicName[]): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: [...brokers!], logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 0 } }).admin();
  await admin.connect();
  const configs = topics.map((name) => ({ topic: `${prefix}${name}`, numPartitions: topicSettings(name).partitions, configEntries: [...topicSettings(name).configs] }));
  await admin.createTopics({ topics: configs, waitForLeaders: false });
  await eventually(async () => void (await Promise.all(configs.map(({ topic }) => admin.fetchTopicOffsets(topic)))));
  await admin.disconnect();
}
