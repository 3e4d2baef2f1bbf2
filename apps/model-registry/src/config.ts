import { commonSettings, defineSettings, parsers, parseSettings, required, servicePort, withDefault, type Parsed } from '@throughline/settings';

const MIB = 1024 * 1024;

export const registrySettings = defineSettings({
  ...commonSettings,
  KAFKA_BROKERS: required(commonSettings.KAFKA_BROKERS),
  DATABASE_URL: required(commonSettings.DATABASE_URL),
  DATABASE_OWNER_URL: { meaning: 'The same database for the role that owns the tables; with it the role of DATABASE_URL can append to the audit, but not change it', parse: parsers.url('postgres', 'postgresql'), secret: true },
  PORT: withDefault(commonSettings.PORT, servicePort('model-registry')),
  REGISTRY_MAX_ARTIFACT_BYTES: { meaning: 'Largest ONNX file that is accepted', unit: 'bytes', parse: parsers.integer(1, 2 ** 31 - 1), default: 256 * MIB },
  REGISTRY_MAX_REFERENCE_BYTES: { meaning: 'Largest reference from which a baseline is frozen', unit: 'bytes', parse: parsers.integer(1, 2 ** 31 - 1), default: 128 * MIB },
  REGISTRY_INSPECT_MEMORY_BYTES: { meaning: 'Memory that the inspecting process may take, the runtime included', unit: 'bytes', parse: parsers.integer(256 * MIB, 64 * 1024 * MIB), default: 2048 * MIB },
  REGISTRY_INSPECT_TIMEOUT_MS: { meaning: 'Longest inspection of an artifact', unit: 'ms', parse: parsers.integer(100, 600_000), default: 30_000 },
  REGISTRY_TRUSTED_KEYS_FILE: { meaning: 'PEM file of Ed25519 public keys; with it every artifact must be signed by one of them', parse: parsers.text },
  REGISTRY_ARTIFACT_STORE: { meaning: 'Where artifacts are kept: in THROUGHLINE_HOME, or in an S3-compatible store', parse: parsers.oneOf('disk', 's3'), default: 'disk' },
  REGISTRY_S3_BUCKET: { meaning: 'Bucket of the artifacts, which must exist', parse: parsers.text },
  REGISTRY_S3_ENDPOINT: { meaning: 'Address of the store; without it Amazon’s', parse: parsers.url('http', 'https') },
  REGISTRY_S3_REGION: { meaning: 'Region of the bucket', parse: parsers.text, default: 'us-east-1' },
  REGISTRY_S3_PREFIX: { meaning: 'Precedes every key in the bucket', parse: parsers.text, default: 'artifacts/' },
  REGISTRY_S3_PATH_STYLE: { meaning: 'Name the bucket in the path, as most stores but Amazon’s want it', parse: parsers.boolean, default: true },
});

export type RegistrySettings = Parsed<typeof registrySettings>;

export const readSettings = (env: NodeJS.ProcessEnv): RegistrySettings => parseSettings(registrySettings, env);
