import { ClientBus } from './client-bus.js';
import { kafkaJsAdapter } from './kafkajs/adapter.js';
import { platformaticAdapter } from './platformatic/adapter.js';
import type { Bus } from './port.js';
import { silentLogger, type BusLogger, type BusSettings } from './settings.js';

export interface BusOptions {
  /** Name of the client in the brokers' logs and quotas. */
  readonly clientId?: string;
  readonly logger?: BusLogger;
  /** How long an unacknowledged send is repeated before it is `unavailable`, milliseconds; default 30 s. */
  readonly sendPatienceMs?: number;
}

const ADAPTERS = { kafkajs: kafkaJsAdapter, platformatic: platformaticAdapter };

/** A bus over the brokers of the settings, by the client of the settings, for services and scripts alike. Call `close` at the end. */
export function createBus(settings: BusSettings, { clientId = 'throughline', logger = silentLogger, sendPatienceMs }: BusOptions = {}): Bus {
  const adapter = ADAPTERS[settings.KAFKA_CLIENT ?? 'kafkajs'];
  return new ClientBus(adapter(settings, { clientId, logger, sendPatienceMs }), logger);
}
