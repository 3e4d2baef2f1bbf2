import type { Adapter } from '../client-bus.js';
import type { OpenReader } from '../consume/reader.js';
import { prefixedNames } from '../names.js';
import type { BusLogger, BusSettings } from '../settings.js';
import { KafkaJsAdmin } from './admin.js';
import { createClient } from './client.js';
import { KafkaJsGroupClient } from './group-client.js';
import { KafkaJsProducer } from './producer.js';
import { KafkaJsReader } from './reader.js';

export interface KafkaJsAdapterOptions {
  readonly clientId: string;
  readonly logger: BusLogger;
  readonly sendPatienceMs?: number | undefined;
}

/** kafkajs behind the port. */
export function kafkaJsAdapter(settings: BusSettings, { clientId, logger, sendPatienceMs }: KafkaJsAdapterOptions): Adapter {
  const kafka = createClient(settings, clientId, logger);
  const names = prefixedNames(settings.KAFKA_TOPIC_PREFIX ?? '');
  const openReader: OpenReader = (options) => new KafkaJsReader({ ...options, kafka, names, offsets: () => admin.offsets(options.topic) });
  const admin = new KafkaJsAdmin(kafka, names, openReader);
  return {
    names,
    admin,
    openReader,
    producer: new KafkaJsProducer(kafka, names, logger, sendPatienceMs),
    openMember: (topic, group, listener) => new KafkaJsGroupClient({ kafka, names, topic, group, listener }),
  };
}
