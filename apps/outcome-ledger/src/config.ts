import { commonSettings, defineSettings, parsers, parseSettings, required, servicePort, withDefault } from '@throughline/settings';
import { recomputeSettings } from './recompute/settings.js';
import { tracingSettings } from './tracing/settings.js';

/** A shorter one could be guessed, and with it every value. */
const MIN_SECRET_CHARACTERS = 32;
const hashSecrets = parsers.parser('secrets of at least 32 characters each, separated by commas', (raw) => {
  const secrets = raw.split(',').map((secret) => secret.trim());
  return secrets.every(({ length }) => length >= MIN_SECRET_CHARACTERS) ? secrets : undefined;
});

export const ledgerSettings = defineSettings({
  ...commonSettings,
  KAFKA_BROKERS: required(commonSettings.KAFKA_BROKERS),
  DATABASE_URL: required(commonSettings.DATABASE_URL),
  PORT: withDefault(commonSettings.PORT, servicePort('outcome-ledger')),
  BOOKS_EVERY_SECONDS: { meaning: 'How often the ledger balances its books with Kafka and with its own rows', unit: 's', parse: parsers.number(0.1, 3600), default: 15 },
  LEDGER_HASH_KEY: { meaning: 'Secret that privacy policies hash with, at least 32 characters; several separated by commas: the first hashes, the others find what was hashed before. Without it such fields are left out', parse: hashSecrets, secret: true },
  LEDGER_RETENTION_DAYS: { meaning: 'How long predictions are kept, by the day of their request; 0 keeps everything', unit: 'days', parse: parsers.integer(0, 400), default: 90 },
  OUTCOME_FUTURE_TOLERANCE_SECONDS: { meaning: 'How far an outcome may have become true after Kafka received it, because clocks differ; beyond it is a dead letter', unit: 's', parse: parsers.number(0, 86_400), default: 300 },
  OUTCOME_MATURITY_SWEEP_MS: { meaning: 'How often predictions are looked for that have matured without an outcome, of models that declare what that means', unit: 'ms', parse: parsers.integer(10, 3_600_000), default: 5_000 },
  LEDGER_EXPIRED_DAYS: { meaning: 'How long after that the ledger still knows that a prediction was there, says where its archive is, and keeps its outcomes', unit: 'days', parse: parsers.integer(0, 3650), default: 30 },
  LEDGER_ARCHIVE_DIR: { meaning: 'Folder for Parquet files of predictions, written and read again before their day is dropped; without it days are dropped without', parse: parsers.text },
  PRICE_FEATURE_READ_MICRO_USD: { meaning: 'What reading one feature view for one prediction costs, for estimates', unit: 'millionths of a dollar', parse: parsers.number(0, 1e9), default: 0.02 },
  ...tracingSettings,
  ...recomputeSettings,
  PRICE_STORAGE_GB_MONTH_MICRO_USD: { meaning: 'What keeping a gigabyte of predictions for a month costs, for estimates', unit: 'millionths of a dollar', parse: parsers.number(0, 1e12), default: 115_000 },
});

export const readConfig = (env: NodeJS.ProcessEnv) => parseSettings(ledgerSettings, env);
export type LedgerConfig = ReturnType<typeof readConfig>;
