import { commonSettings, defineSettings, parsers, parseSettings, required, servicePort, withDefault, type Parsed } from '@throughline/settings';

const MIB = 1024 * 1024;

export const registrySettings = defineSettings({
  ...commonSettings,
  KAFKA_BROKERS: required(commonSettings.KAFKA_BROKERS),
  DATABASE_URL: required(commonSettings.DATABASE_URL),
  PORT: withDefault(commonSettings.PORT, servicePort('model-registry')),
  REGISTRY_MAX_ARTIFACT_BYTES: { meaning: 'Largest ONNX file that is accepted', unit: 'bytes', parse: parsers.integer(1, 2 ** 31 - 1), default: 256 * MIB },
  REGISTRY_MAX_REFERENCE_BYTES: { meaning: 'Largest reference from which a baseline is frozen', unit: 'bytes', parse: parsers.integer(1, 2 ** 31 - 1), default: 128 * MIB },
  REGISTRY_INSPECT_TIMEOUT_MS: { meaning: 'Longest inspection of an artifact', unit: 'ms', parse: parsers.integer(100, 600_000), default: 30_000 },
});

export type RegistrySettings = Parsed<typeof registrySettings>;

export const readSettings = (env: NodeJS.ProcessEnv): RegistrySettings => parseSettings(registrySettings, env);
