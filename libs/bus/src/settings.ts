import type { commonSettings, Parsed } from '@throughline/settings';

type Common = Parsed<typeof commonSettings>;

/** What the bus reads of the common settings. */
export type BusSettings = Pick<Common, 'KAFKA_BROKERS'> &
  Partial<
    Pick<
      Common,
      | 'KAFKA_CLIENT'
      | 'KAFKA_SASL_MECHANISM'
      | 'KAFKA_SASL_USERNAME'
      | 'KAFKA_SASL_PASSWORD'
      | 'KAFKA_TLS_ENABLED'
      | 'KAFKA_TLS_CA_FILE'
      | 'KAFKA_TLS_CERT_FILE'
      | 'KAFKA_TLS_KEY_FILE'
      | 'KAFKA_TOPIC_PREFIX'
    >
  >;

/** The part of a logger that the bus uses; pino fits. */
export interface BusLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLogger: BusLogger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
