import { randomUUID } from 'node:crypto';
import { createBus, type BusOptions } from '../create-bus.js';
import type { Bus } from '../port.js';
import type { BusSettings } from '../settings.js';

/** Topics of its own on the brokers that the tests were given. */
export async function kafkaInstallation(client: BusSettings['KAFKA_CLIENT'] = process.env['KAFKA_CLIENT'] === 'platformatic' ? 'platformatic' : 'kafkajs'): Promise<{ readonly settings: BusSettings; connect(options?: BusOptions): Bus }> {
  const brokers = process.env['KAFKA_BROKERS'];
  if (brokers === undefined) throw new Error('KAFKA_BROKERS is not set: integration tests need a real Kafka');
  const settings: BusSettings = { KAFKA_BROKERS: brokers.split(','), KAFKA_CLIENT: client, KAFKA_TOPIC_PREFIX: `test-${randomUUID().slice(0, 8)}.` };
  const bus = createBus(settings);
  await bus.admin.createTopics();
  await bus.close();
  return { settings, connect: (options) => createBus(settings, options) };
}
