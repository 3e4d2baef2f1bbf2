import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { BaseOptions, Consumer, SASLMechanismValue } from '@platformatic/kafka';
import type { BusSettings } from '../settings.js';

export type ClientOptions = BaseOptions;
/** The library does not export these types of its own. */
export type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;
export type FetchResponsePartition = FetchResponse['responses'][number]['partitions'][number];

type Library = typeof import('@platformatic/kafka');

/** Loaded on first use: it takes half a second and 60 MB, which only those should pay who have chosen it. */
export const library = (): Library => createRequire(import.meta.url)('@platformatic/kafka') as Library;

const MECHANISMS: Readonly<Record<string, SASLMechanismValue>> = { plain: 'PLAIN', 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512' };

/**
 * What all clients of a bus have in common. Nothing is repeated by the library: it would repeat commits under a later generation, and joins
 * without asking.
 *
 * @throws Error when brokers or half of the credentials are missing
 */
export function clientOptions(settings: BusSettings, clientId: string): ClientOptions {
  const brokers = settings.KAFKA_BROKERS;
  if (brokers === undefined || brokers.length === 0) throw new Error('KAFKA_BROKERS is not set: the bus needs brokers (`npm start` starts some)');
  const options: ClientOptions = {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: 3_000,
    requestTimeout: 30_000,
    retries: 0,
    metadataMaxAge: 60_000,
  };
  const tls = tlsOf(settings);
  if (tls !== undefined) Object.assign(options, { tls, tlsServerName: true });
  const sasl = saslOf(settings);
  if (sasl !== undefined) options.sasl = sasl;
  return options;
}

function tlsOf(settings: BusSettings): BaseOptions['tls'] {
  if (settings.KAFKA_TLS_ENABLED !== true) return undefined;
  const read = (file: string | undefined): string | undefined => (file === undefined ? undefined : readFileSync(file, 'utf8'));
  const ca = read(settings.KAFKA_TLS_CA_FILE);
  const cert = read(settings.KAFKA_TLS_CERT_FILE);
  const key = read(settings.KAFKA_TLS_KEY_FILE);
  return { ...(ca === undefined ? {} : { ca: [ca] }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
}

function saslOf(settings: BusSettings): BaseOptions['sasl'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = settings;
  if (mechanism === undefined) return undefined;
  if (username === undefined || password === undefined) throw new Error('KAFKA_SASL_MECHANISM is set, but KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD is not');
  return { mechanism: MECHANISMS[mechanism]!, username, password };
}
