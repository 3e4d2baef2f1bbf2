import { randomUUID } from 'node:crypto';
import { createBus, type BusOptions } from '../create-bus.js';
import type { Bus } from '../port.js';
import type { BusSettings } from '../settings.js';

/** The client libraries behind the port. */
export const CLIENTS = ['kafkajs', 'platformatic'] as const;
export type Client = (typeof CLIENTS)[number];

export interface KafkaInstallation {
  readonly settings: BusSettings;
  /** One more process, so to speak; by the installation's client unless told otherwise. */
  connect(options?: BusOptions, client?: Client): Bus;
}

/** Topics of its own on the brokers that the tests were given. */
export async function kafkaInstallation(client: Client = 'kafkajs'): Promise<KafkaInstallation> {
  const brokers = process.env['KAFKA_BROKERS'];
  if (brokers === undefined) throw new Error('KAFKA_BROKERS is not set: integration tests need a real Kafka');
  const settings: BusSettings = { KAFKA_CLIENT: client, KAFKA_BROKERS: brokers.split(','), KAFKA_TOPIC_PREFIX: `test-${randomUUID().slice(0, 8)}.` };
  const bus = createBus(settings);
  await bus.admin.createTopics();
  await bus.close();
  return { settings, connect: (options, own = client) => createBus({ ...settings, KAFKA_CLIENT: own }, options) };
}
