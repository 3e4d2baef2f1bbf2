import { hostname } from 'node:os';
import { commonSettings, defineSettings, parsers, parseSettings, required, servicePort, withDefault } from '@throughline/settings';
import { publicKeysFile } from './serving/trusted-artifacts.js';

const GIB = 1024 ** 3;

export const workerSettings = defineSettings({
  ...commonSettings,
  KAFKA_BROKERS: required(commonSettings.KAFKA_BROKERS),
  PORT: withDefault(commonSettings.PORT, servicePort('inference-worker')),
  WORKER_ID: { meaning: 'Name of this instance in its answers', parse: parsers.text, default: `${hostname()}-${process.pid}` },
  MAX_BATCH_SIZE: { meaning: 'Rows that one run of a model takes at most, where its deployment does not say', unit: 'rows', parse: parsers.integer(2, 4096), default: 256 },
  HTTP_MAX_ROWS: { meaning: 'Rows that one HTTP request may hold', unit: 'rows', parse: parsers.integer(1, 100_000), default: 5000 },
  HTTP_MAX_PENDING_ROWS: { meaning: 'Unanswered rows over HTTP at which further requests are refused as overloaded', unit: 'rows', parse: parsers.integer(1, 1_000_000), default: 20_000 },
  HTTP_MAX_PENDING_BYTES: { meaning: 'The same, by the bytes of unanswered requests and of answers that are not on record yet; refused before the body is read', unit: 'bytes', parse: parsers.integer(16 * 1024 * 1024, 64 * GIB), default: 128 * 1024 * 1024 },
  WORKER_TRUSTED_KEYS_FILE: { meaning: 'Ed25519 public keys in PEM; where it is given, only artifacts that one of them has signed are served', parse: publicKeysFile },
  ARTIFACT_TIMEOUT_MS: { meaning: 'Longest download of an artifact', unit: 'ms', parse: parsers.integer(100, 600_000), default: 60_000 },
  MODEL_MEMORY_MAX_BYTES: { meaning: 'Memory that graphs may take, estimated; beyond it the least recently used leave until they are asked again', unit: 'bytes', parse: parsers.integer(64 * 1024 * 1024, 1024 * GIB), default: 2 * GIB },
  INLINE_MAX_BATCH_MS: { meaning: 'A graph whose largest batch takes longer, measured at warm-up, runs in a thread of its own', unit: 'ms', parse: parsers.number(0, 60_000), default: 1 },
  INLINE_MAX_LOAD_MS: { meaning: 'So does one whose loading would hold up the others for longer', unit: 'ms', parse: parsers.number(0, 60_000), default: 20 },
  ARTIFACT_CACHE_MAX_BYTES: { meaning: 'Cached artifacts beyond it are evicted', unit: 'bytes', parse: parsers.integer(0, 1024 * GIB), default: 2 * GIB },
  FEATURE_CACHE_MAX_ENTRIES: { meaning: 'Entities whose stored features are held in memory', unit: 'entries', parse: parsers.integer(1, 10_000_000), default: 200_000 },
  FEATURE_CACHE_MAX_LAG: { meaning: 'Updates behind at which held features count as stale', unit: 'messages', parse: parsers.integer(1, 10_000_000), default: 5000 },
  FEATURE_STORE_TIMEOUT_MS: { meaning: 'Longest wait for the feature store; then its features count as missing', unit: 'ms', parse: parsers.integer(1, 60_000), default: 500 },
  FEATURE_STORE_OPEN_MS: { meaning: 'After three reads in a row without an answer: so long the store is not asked, and its features count as missing at once', unit: 'ms', parse: parsers.integer(1, 600_000), default: 5000 },
  FALLBACK_MAX_REMEMBERED: { meaning: 'Good answers kept for last_known_good', unit: 'answers', parse: parsers.integer(1, 10_000_000), default: 100_000 },
  FALLBACK_MAX_REMEMBERED_BYTES: { meaning: 'The same, by what they take', unit: 'bytes', parse: parsers.integer(1024, 64 * GIB), default: 64 * 1024 * 1024 },
  PRICE_CPU_HOUR_MICRO_USD: { meaning: 'What a CPU costs in an hour: answers carry an estimate of what computing them cost; 0 for none', unit: 'millionths of a dollar', parse: parsers.number(0, 1e12), default: 40_000 },
  TRACE_SAMPLE_RATIO: { meaning: 'Share of requests without a trace context that get a sampled one', parse: parsers.number(0, 1), default: 0.01 },
});

export const readConfig = (env: NodeJS.ProcessEnv) => parseSettings(workerSettings, env);
export type WorkerConfig = ReturnType<typeof readConfig>;
