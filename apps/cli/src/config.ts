import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { KAFKA_CONTROLLER_PORT, KAFKA_PORT, POSTGRES_PORT, repositoryRoot } from '@throughline/local-stack';
import { commonSettings, defineSettings, parsers, parseSettings, type Parsed } from '@throughline/settings';

export const cliSettings = defineSettings({
  ...commonSettings,
  PLATFORM_URL: { meaning: 'The platform’s one origin; without it the running platform’s', parse: parsers.url('http', 'https') },
  THROUGHLINE_API_KEY: { meaning: 'API key or token that is sent with every request', parse: parsers.text, secret: true },
  LEDGER_URL: { meaning: 'Address of the outcome-ledger; without it the platform’s', parse: parsers.url('http', 'https') },
  REGISTRY_URL: { meaning: 'Address of the model-registry; without it the platform’s', parse: parsers.url('http', 'https') },
  FEATURE_STORE_URL: { meaning: 'Address of the feature-store; without it the platform’s', parse: parsers.url('http', 'https') },
  RETRAINING_URL: { meaning: 'Address of the retraining-coordinator; without it the platform’s', parse: parsers.url('http', 'https') },
  LOCAL_KAFKA_PORT: { meaning: 'Port of the local Kafka; 0: any free one', parse: parsers.port, default: KAFKA_PORT },
  LOCAL_KAFKA_CONTROLLER_PORT: { meaning: 'Port of the local Kafka’s controller; 0: any free one', parse: parsers.port, default: KAFKA_CONTROLLER_PORT },
  LOCAL_POSTGRES_PORT: { meaning: 'Port of the local PostgreSQL; 0: any free one', parse: parsers.port, default: POSTGRES_PORT },
});

/** Where everything is: settings given, else what the running platform has announced, else where it would be. */
export interface CliConfig extends Omit<Parsed<typeof cliSettings>, 'KAFKA_BROKERS' | 'LEDGER_URL' | 'REGISTRY_URL' | 'FEATURE_STORE_URL' | 'RETRAINING_URL'> {
  readonly KAFKA_BROKERS: readonly string[];
  readonly PLATFORM_URL: string;
  readonly LEDGER_URL: string;
  readonly REGISTRY_URL: string;
  readonly FEATURE_STORE_URL: string;
  readonly RETRAINING_URL: string;
  /** Absolute. */
  readonly THROUGHLINE_HOME: string;
  /** Whether brokers or database are someone else's. */
  readonly given: { readonly kafka: boolean; readonly postgres: boolean };
  /** What a running platform has announced; undefined when none runs from this home. */
  readonly running: Running | undefined;
}

interface Running {
  readonly url: string;
  readonly brokers: string;
}

/** @throws SettingError for a setting that does not parse */
export function readConfig(env: NodeJS.ProcessEnv): CliConfig {
  const settings = parseSettings(cliSettings, env);
  // The platform's working directory is the checkout's root; this command may be called from below it.
  const home = env['THROUGHLINE_HOME'] === undefined ? join(repositoryRoot, settings.THROUGHLINE_HOME) : resolve(settings.THROUGHLINE_HOME);
  const running = readRunning(home);
  const origin = settings.PLATFORM_URL ?? running?.url ?? `http://${settings.HOST}:${settings.PORT}`;
  return {
    ...settings, THROUGHLINE_HOME: home, running, PLATFORM_URL: origin, LEDGER_URL: settings.LEDGER_URL ?? origin, REGISTRY_URL: settings.REGISTRY_URL ?? origin,
    FEATURE_STORE_URL: settings.FEATURE_STORE_URL ?? origin, RETRAINING_URL: settings.RETRAINING_URL ?? origin,
    KAFKA_BROKERS: settings.KAFKA_BROKERS ?? (running?.brokers ?? `127.0.0.1:${settings.LOCAL_KAFKA_PORT}`).split(','),
    given: { kafka: settings.KAFKA_BROKERS !== undefined, postgres: settings.DATABASE_URL !== undefined },
  };
}

/** Settings of this checkout; the environment itself has precedence. */
export function readEnvFile(): void {
  const file = join(repositoryRoot, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
}

function readRunning(home: string): Running | undefined {
  try {
    const { url, brokers } = JSON.parse(readFileSync(join(home, 'running.json'), 'utf8')) as Partial<Running>;
    return typeof url === 'string' && typeof brokers === 'string' ? { url, brokers } : undefined;
  } catch {
    return undefined;
  }
}
