import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** What must never be written, wherever it turns up in a logged object. */
const REDACTED = ['password', '*.password', 'authorization', '*.authorization', 'headers.authorization', 'headers.cookie', '*.headers.authorization', '*.headers.cookie'];

/** Where a database's errors repeat the values of the statement that failed. */
const VALUES_OF_STATEMENTS = ['parameters', 'driverError', 'detail', 'where', 'internalQuery'];

/** An error as pino writes it, without the values it quotes: they are metadata, features and keys. */
function withoutValues(error: unknown): unknown {
  const written: unknown = pino.stdSerializers.err(error as Error);
  if (!(error instanceof Error)) return written;
  return Object.fromEntries(Object.entries(written as object).filter(([name]) => !VALUES_OF_STATEMENTS.includes(name)));
}

/**
 * A JSON logger on standard output: one object a line, `level` as a word, `time` as RFC 3339, `service` on every line. The level
 * comes from `LOG_LEVEL` (default `info`). Log ids, codes and counts; never feature values, keys or payloads.
 */
export function createLogger(service: string, options: { level?: string; destination?: DestinationStream } = {}): Logger {
  const config = {
    level: options.level ?? process.env['LOG_LEVEL']?.toLowerCase() ?? 'info',
    base: { service },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    // Whatever name an error is given: nobody should have to know which one is safe.
    serializers: { err: withoutValues, error: withoutValues, cause: withoutValues },
    redact: { paths: REDACTED, censor: '[redacted]' },
  };
  return options.destination === undefined ? pino(config) : pino(config, options.destination);
}
