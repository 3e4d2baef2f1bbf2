import type { Adapter, AdapterOptions } from '../client-bus.js';
import type { OpenReader } from '../consume/reader.js';
import { prefixedNames } from '../names.js';
import { PatientProducer } from '../produce/patient-producer.js';
import type { BusSettings } from '../settings.js';
import { KafkaJsAdmin } from './admin.js';
import { createClient } from './client.js';
import { KafkaJsGroupClient } from './group-client.js';
import { KafkaJsProducerClient } from './producer.js';
import { KafkaJsReader } from './reader.js';

/** kafkajs behind the port. */
export function kafkaJsAdapter(settings: BusSettings, { clientId, logger, sendPatienceMs }: AdapterOptions): Adapter {
  const kafka = createClient(settings, clientId, logger);
  const names = prefixedNames(settings.KAFKA_TOPIC_PREFIX ?? '');
  const openReader: OpenReader = (options) => new KafkaJsReader({ ...options, kafka, names, offsets: () => admin.offsets(options.topic) });
  const admin = new KafkaJsAdmin(kafka, names, openReader);
  return {
    names,
    admin,
    openReader,
    producer: new PatientProducer({ client: new KafkaJsProducerClient(kafka, names), logger, patienceMs: sendPatienceMs }),
    openMember: (topic, group, listener) => new KafkaJsGroupClient({ kafka, names, topic, group, listener }),
  };
}
