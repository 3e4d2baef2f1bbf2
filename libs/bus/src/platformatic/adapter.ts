import type { Adapter, AdapterOptions } from '../client-bus.js';
import type { OpenReader } from '../consume/reader.js';
import { prefixedNames } from '../names.js';
import { PatientProducer } from '../produce/patient-producer.js';
import type { BusSettings } from '../settings.js';
import { PlatformaticAdmin } from './admin.js';
import { clientOptions } from './client.js';
import { PlatformaticGroupClient } from './group-client.js';
import { PlatformaticProducerClient } from './producer.js';
import { PlatformaticReader } from './reader.js';

/** @platformatic/kafka behind the port. */
export function platformaticAdapter(settings: BusSettings, { clientId, logger, sendPatienceMs }: AdapterOptions): Adapter {
  const client = clientOptions(settings, clientId);
  const names = prefixedNames(settings.KAFKA_TOPIC_PREFIX ?? '');
  const openReader: OpenReader = (options) => new PlatformaticReader({ ...options, client, names, logger, offsets: () => admin.offsets(options.topic) });
  const admin = new PlatformaticAdmin(client, names, openReader);
  return {
    names,
    admin,
    openReader,
    producer: new PatientProducer({ client: new PlatformaticProducerClient(client, names), logger, patienceMs: sendPatienceMs }),
    openMember: (topic, group, listener) => new PlatformaticGroupClient({ client, names, topic, group, logger, listener }),
  };
}
