import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultLibsFolder, identify, isAlive, removeHome, repositoryRoot, startKafka, startPostgres } from '@throughline/local-stack';

const HOMES = join(repositoryRoot, '.throughline', 'test');
const OWNER = 'owner.json';

/**
 * Starts what the environment does not already give, on free ports, in a folder of its own: several may run in one checkout.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {(doing: string) => void} onProgress
 * @returns {Promise<{ env: Record<string, string>, stop: () => Promise<void> }>} what to add to the environment, and how to end it
 */
export async function startServices(env, onProgress) {
  await sweep();
  const home = join(HOMES, `${process.pid}-${Date.now()}`);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, OWNER), JSON.stringify(identify(process.pid)));
  const started = await Promise.allSettled([
    env.KAFKA_BROKERS
      ? undefined
      : startKafka({ home, port: 0, controllerPort: 0, libsFolder: defaultLibsFolder(join(repositoryRoot, '.throughline')), onProgress }),
    env.DATABASE_URL ? undefined : startPostgres({ home, port: 0, throwaway: true, onProgress }),
  ]);
  const stop = async () => {
    await Promise.all(started.map((outcome) => outcome.status === 'fulfilled' && outcome.value?.stop()));
    await removeHome(home);
  };
  const failed = started.find((outcome) => outcome.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  const [kafka, postgres] = started.map((outcome) => outcome.value);
  const added = {
    ...(kafka && { KAFKA_BROKERS: kafka.brokers }),
    ...(postgres && { DATABASE_URL: postgres.url }),
    ...(!env.THROUGHLINE_HOME && { THROUGHLINE_HOME: home }),
  };
  return { env: added, stop };
}

/** Deletes the folders of runs that were killed. */
async function sweep() {
  mkdirSync(HOMES, { recursive: true });
  for (const name of readdirSync(HOMES)) {
    const home = join(HOMES, name);
    if (!hasLivingOwner(home)) await removeHome(home);
  }
}

function hasLivingOwner(home) {
  try {
    return isAlive(JSON.parse(readFileSync(join(home, OWNER), 'utf8')));
  } catch {
    // Its owner may be about to write the note.
    return Date.now() - Number(home.split('-').at(-1)) < 60_000;
  }
}
