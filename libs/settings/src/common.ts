import { defineSettings } from './define.js';
import { doorSettings } from './doors.js';
import { boolean, hostPorts, identifierPrefix, namePrefix, oneOf, port, text, url } from './parsers.js';

/** The platform's own port; every service has a fixed distance from it. */
export const DEFAULT_PORT = 3000;

/** Where each service listens, as a distance from the platform's port, and the setting that says where to find it. */
export const SERVICES = {
  'inference-worker': { portOffset: 1, urlSetting: 'WORKER_URL' },
  'model-registry': { portOffset: 2, urlSetting: 'REGISTRY_URL' },
  'feature-store': { portOffset: 3, urlSetting: 'FEATURE_STORE_URL' },
  'outcome-ledger': { portOffset: 4, urlSetting: 'LEDGER_URL' },
  'drift-monitor': { portOffset: 5, urlSetting: 'MONITOR_URL' },
  'retraining-coordinator': { portOffset: 6, urlSetting: 'RETRAINING_URL' },
} as const;

export type ServiceName = keyof typeof SERVICES;
export type ServiceUrlSetting = (typeof SERVICES)[ServiceName]['urlSetting'];

/** The port of a service beside a platform on `basePort`. */
export const servicePort = (service: ServiceName, basePort: number = DEFAULT_PORT): number => basePort + SERVICES[service].portOffset;

/** The address of a service beside a platform on `basePort`, all on loopback. */
export const serviceUrl = (service: ServiceName, basePort: number = DEFAULT_PORT): string => `http://127.0.0.1:${servicePort(service, basePort)}`;

const serviceUrlSetting = <S extends ServiceName>(service: S) => ({
  meaning: `Address of the ${service}`,
  parse: url('http', 'https'),
  default: serviceUrl(service),
});

/** What every process of an installation understands. A service picks what it needs and overrides defaults with `withDefault`, `required`. */
export const commonSettings = defineSettings({
  KAFKA_BROKERS: { meaning: 'Kafka bootstrap brokers; without it `npm start` starts a local Kafka', parse: hostPorts },
  KAFKA_CLIENT: { meaning: 'Library that speaks to the brokers; docs/adr/0008 says when to choose which', parse: oneOf('kafkajs', 'platformatic'), default: 'kafkajs' },
  KAFKA_SASL_MECHANISM: { meaning: 'SASL mechanism; without it no SASL', parse: oneOf('plain', 'scram-sha-256', 'scram-sha-512') },
  KAFKA_SASL_USERNAME: { meaning: 'SASL user name', parse: text },
  KAFKA_SASL_PASSWORD: { meaning: 'SASL password', parse: text, secret: true },
  KAFKA_TLS_ENABLED: { meaning: 'Talk TLS to the brokers', parse: boolean, default: false },
  KAFKA_TLS_CA_FILE: { meaning: 'PEM file of the authorities to trust; without it the system’s', parse: text },
  KAFKA_TLS_CERT_FILE: { meaning: 'PEM file of the client certificate', parse: text },
  KAFKA_TLS_KEY_FILE: { meaning: 'PEM file of the client certificate’s key', parse: text },
  KAFKA_TOPIC_PREFIX: { meaning: 'Precedes every topic’s and consumer group’s name: one installation per tenant', parse: namePrefix, default: '' },
  DATABASE_URL: { meaning: 'PostgreSQL; without it `npm start` starts a local one', parse: url('postgres', 'postgresql'), secret: true },
  DATABASE_SCHEMA_PREFIX: { meaning: 'Precedes every schema’s name: one installation per tenant', parse: identifierPrefix, default: '' },
  HOST: { meaning: 'Address to listen on', parse: text, default: '127.0.0.1' },
  PORT: { meaning: 'Port of the one origin; the services listen on the six ports above it', parse: port, default: DEFAULT_PORT },
  OTEL_EXPORTER_OTLP_ENDPOINT: { meaning: 'OTLP/HTTP endpoint for spans; without it no span leaves the process', parse: url('http', 'https') },
  THROUGHLINE_HOME: { meaning: 'Folder of local Kafka and PostgreSQL data, model artifacts and logs', parse: text, default: '.throughline' },
  LOG_LEVEL: { meaning: 'Least severe level that is logged', parse: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'), default: 'info' },
  WORKER_URL: serviceUrlSetting('inference-worker'),
  REGISTRY_URL: serviceUrlSetting('model-registry'),
  FEATURE_STORE_URL: serviceUrlSetting('feature-store'),
  LEDGER_URL: serviceUrlSetting('outcome-ledger'),
  MONITOR_URL: serviceUrlSetting('drift-monitor'),
  RETRAINING_URL: serviceUrlSetting('retraining-coordinator'),
  ...doorSettings,
});
