import { readFileSync } from 'node:fs';
import type { Kafka, KafkaConfig, LogEntry, SASLOptions } from 'kafkajs';
import type { BusLogger, BusSettings } from '../settings.js';
import { kafkajs } from './library.js';

/** Default retries of connections and requests; each use may override. About 10 s in all. */
export const RETRY = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8 };

/** A kafkajs client from the settings of the installation. Connects to nothing yet. */
export function createClient(settings: BusSettings, clientId: string, logger: BusLogger): Kafka {
  return new kafkajs.Kafka({ ...clientConfig(settings, clientId), logLevel: kafkajs.logLevel.WARN, logCreator: () => (entry) => log(logger, entry) });
}

/** @throws Error when brokers or half of the credentials are missing */
export function clientConfig(settings: BusSettings, clientId: string): KafkaConfig {
  const brokers = settings.KAFKA_BROKERS;
  if (brokers === undefined || brokers.length === 0) throw new Error('KAFKA_BROKERS is not set: the bus needs brokers (`npm start` starts some)');
  const config: KafkaConfig = { clientId, brokers: [...brokers], connectionTimeout: 3_000, requestTimeout: 30_000, retry: RETRY };
  const ssl = tls(settings);
  if (ssl !== undefined) config.ssl = ssl;
  const credentials = sasl(settings);
  if (credentials !== undefined) config.sasl = credentials;
  return config;
}

function tls(settings: BusSettings): KafkaConfig['ssl'] | undefined {
  if (settings.KAFKA_TLS_ENABLED !== true) return undefined;
  const read = (file: string | undefined): string | undefined => (file === undefined ? undefined : readFileSync(file, 'utf8'));
  const ca = read(settings.KAFKA_TLS_CA_FILE);
  const cert = read(settings.KAFKA_TLS_CERT_FILE);
  const key = read(settings.KAFKA_TLS_KEY_FILE);
  return { ...(ca === undefined ? {} : { ca: [ca] }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
}

function sasl(settings: BusSettings): SASLOptions | undefined {
  const mechanism = settings.KAFKA_SASL_MECHANISM;
  if (mechanism === undefined) return undefined;
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = settings;
  if (username === undefined || password === undefined) throw new Error('KAFKA_SASL_MECHANISM is set, but KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD is not');
  return { mechanism, username, password } as SASLOptions;
}

/** kafkajs calls every retry an error and every rebalance a warning; what is final reaches the caller as an error anyway. */
function log(logger: BusLogger, { namespace, log: { message, ...fields } }: LogEntry): void {
  logger.debug({ namespace, error: fields['error'], groupId: fields['groupId'] }, `kafka client: ${message}`);
}
