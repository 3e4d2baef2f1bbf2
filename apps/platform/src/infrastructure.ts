import { createBus } from '@throughline/bus';
import { ensureRuntimeRole, startKafka, startPostgres, type LocalKafka, type LocalPostgres } from '@throughline/local-stack';
import type { PlatformConfig } from './config.js';
import type { Progress } from './progress.js';
import { Keeper } from './supervisor/keeper.js';

/** What the services stand on, ours or given. */
export interface Infrastructure {
  readonly brokers: string;
  readonly databaseUrl: string;
  /** The same for a role that owns nothing; `undefined` where the database is not ours. */
  readonly registryDatabaseUrl: string | undefined;
  /** Of those that are ours. */
  readonly keepers: readonly Keeper[];
  /** Kafka, then PostgreSQL. */
  stop(): Promise<void>;
}

const REGISTRY_ROLE = 'throughline_registry';

/** Starts a Kafka and a PostgreSQL where none is given. What has been started when one fails is stopped again. */
export async function startInfrastructure(config: PlatformConfig, progress: Progress): Promise<Infrastructure> {
  const [kafka, postgres] = await Promise.allSettled([ensureKafka(config, progress), ensurePostgres(config, progress)]);
  if (kafka.status === 'fulfilled' && postgres.status === 'fulfilled') {
    const keepers = [kafka.value.keeper, postgres.value.keeper].filter((keeper) => keeper !== undefined);
    const stop = async () => {
      for (const keeper of keepers) await keeper.stop();
    };
    const databaseUrl = postgres.value.address;
    try {
      const registryDatabaseUrl = postgres.value.keeper && (await ensureRuntimeRole(databaseUrl, REGISTRY_ROLE));
      return { brokers: kafka.value.address, databaseUrl, registryDatabaseUrl, keepers, stop };
    } catch (error) {
      await stop();
      throw error;
    }
  }
  for (const outcome of [kafka, postgres]) if (outcome.status === 'fulfilled') await outcome.value.keeper?.stop();
  throw kafka.status === 'rejected' ? kafka.reason : (postgres as PromiseRejectedResult).reason;
}

interface Ensured {
  readonly address: string;
  /** `undefined`: it was given. */
  readonly keeper?: Keeper;
}

async function ensureKafka(config: PlatformConfig, progress: Progress): Promise<Ensured> {
  if (config.KAFKA_BROKERS) return { address: config.KAFKA_BROKERS.join(',') };
  const home = config.THROUGHLINE_HOME;
  const first = await progress.step(
    'starting Kafka',
    (onProgress) => startKafka({ home, port: config.LOCAL_KAFKA_PORT, controllerPort: config.LOCAL_KAFKA_CONTROLLER_PORT, onProgress }),
    ({ brokers }) => `Kafka on ${brokers}, data in ${home}/kafka`,
  );
  const again = () => startKafka({ home, port: portOf(first.brokers), controllerPort: config.LOCAL_KAFKA_CONTROLLER_PORT });
  return { address: first.brokers, keeper: keep('kafka', first, again, progress) };
}

async function ensurePostgres(config: PlatformConfig, progress: Progress): Promise<Ensured> {
  if (config.DATABASE_URL) return { address: config.DATABASE_URL };
  const home = config.THROUGHLINE_HOME;
  const first = await progress.step(
    'starting PostgreSQL',
    (onProgress) => startPostgres({ home, port: config.LOCAL_POSTGRES_PORT, onProgress }),
    ({ url, dataFolder }) => `PostgreSQL on ${new URL(url).host}, data in ${dataFolder}, password in ${home}/postgres/password`,
  );
  const again = () => startPostgres({ home, port: Number(new URL(first.url).port) });
  return { address: first.url, keeper: keep('postgres', first, again, progress) };
}

const portOf = (brokers: string): number => Number(brokers.split(':').at(-1));

function keep(name: string, first: LocalKafka | LocalPostgres, again: () => Promise<LocalKafka | LocalPostgres>, progress: Progress): Keeper {
  const keeper = new Keeper({ name, start: again, onEvent: (event) => progress.line(`${name} ${event}`) });
  keeper.run(first);
  return keeper;
}

/** Creates what is missing of the contract's topics. */
export async function createTopics(config: PlatformConfig, brokers: string, progress: Progress): Promise<void> {
  const bus = createBus({ ...config, KAFKA_BROKERS: brokers.split(',') }, { clientId: 'throughline-platform' });
  try {
    await progress.step(
      'creating topics',
      () => bus.admin.createTopics(),
      ({ created, existing }) => `Topics: ${created.length} created, ${existing.length} there already`,
    );
  } finally {
    await bus.close();
  }
}
