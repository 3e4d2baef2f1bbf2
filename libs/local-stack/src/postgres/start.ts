import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startManaged } from '../process/managed.js';
import type { ManagedProcess, ProcessExit } from '../process/managed.js';
import { assertPortFree, freePort } from '../process/ports.js';
import { clearStray } from '../process/stray.js';
import { noProgress } from '../progress.js';
import type { OnProgress } from '../progress.js';
import { postgresBinaries } from './binaries.js';
import { clearStaleLock, DATABASE_USER, dataFolderFor, initialise, isInitialised, passwordFor } from './data-folder.js';
import { postgresUser } from './user.js';
import type { RunAs } from './user.js';

/** Not 5432: many machines have a PostgreSQL of their own there. */
export const POSTGRES_PORT = 15432;

export interface StartPostgresOptions {
  /** Data, password and log live below it. */
  readonly home: string;
  /** 0 chooses a free one. Default 15432. */
  readonly port?: number;
  /** For data that dies with a test run: nothing waits for the disk. A crash of the machine may corrupt it, one of the server does not. */
  readonly throwaway?: boolean;
  readonly onProgress?: OnProgress;
}

export interface LocalPostgres {
  /** With user and password, as `DATABASE_URL` wants it. */
  readonly url: string;
  readonly pid: number;
  readonly logFile: string;
  readonly dataFolder: string;
  /** Resolves when the server has ended, for whatever reason. */
  readonly exited: Promise<ProcessExit>;
  /** Ends sessions and shuts down in order. */
  stop(): Promise<void>;
}

const DATABASE = 'throughline';
const ATTEMPTS = 20;
const PAUSE_MS = 500;
const PORT_CURE = 'Give DATABASE_URL to use the PostgreSQL that listens there, or LOCAL_POSTGRES_PORT to start ours elsewhere (0: any free port).';

/**
 * Starts a real PostgreSQL on loopback. Data of an earlier start in the same home is found again, also after a kill -9.
 *
 * @throws LocalStackError when the package, a port, the user or the folder is in the way; its message says what to do.
 */
export async function startPostgres(options: StartPostgresOptions): Promise<LocalPostgres> {
  const onProgress = options.onProgress ?? noProgress;
  const home = resolve(options.home);
  const pidFile = join(home, 'postgres', 'postgres.pid');
  await clearStray(pidFile, 'PostgreSQL');
  const user = await postgresUser();
  const binaries = await postgresBinaries(user, onProgress);
  const dataFolder = await dataFolderFor(home, user);
  const password = passwordFor(home, dataFolder);
  if (!isInitialised(dataFolder)) {
    onProgress('making PostgreSQL’s data folder');
    await initialise(dataFolder, password, binaries, user);
  }

  for (let attempt = 1; ; attempt++) {
    const port = options.port || (options.port === 0 ? await freePort() : POSTGRES_PORT);
    await assertPortFree(port, 'The local PostgreSQL', PORT_CURE);
    clearStaleLock(dataFolder);
    onProgress(`starting PostgreSQL on 127.0.0.1:${port}`);
    const logFile = join(home, 'logs', 'postgres.log');
    try {
      const server = await startServer({ command: binaries.postgres, dataFolder, port, user, logFile, pidFile, throwaway: options.throwaway ?? false });
      const url = `postgres://${DATABASE_USER}:${password}@127.0.0.1:${port}/`;
      await ensureDatabase(url);
      return { url: url + DATABASE, logFile, dataFolder, ...server };
    } catch (error) {
      if (attempt === ATTEMPTS || !isPassing(String(error), options.port === 0)) throw error;
      await delay(PAUSE_MS);
    }
  }
}

/** The sessions of a killed server take a moment to notice; a port chosen a moment ago may be somebody else's by now. */
const isPassing = (message: string, freePortChosen: boolean): boolean =>
  /pre-existing shared memory block|still in use/.test(message) || (freePortChosen && /Address already in use/.test(message));

interface Server {
  readonly command: string;
  readonly dataFolder: string;
  readonly port: number;
  readonly user: RunAs;
  readonly logFile: string;
  readonly pidFile: string;
  readonly throwaway: boolean;
}

function startServer({ command, dataFolder, port, user, logFile, pidFile, throwaway }: Server): Promise<ManagedProcess> {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    log_line_prefix: '%m [%p] ',
    ...(throwaway ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
  };
  return startManaged({
    what: 'PostgreSQL',
    command,
    args: ['-D', dataFolder, '-p', String(port), ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    cwd: '/',
    user,
    logFile,
    pidFile,
    // Fast shutdown; SIGTERM would wait for every client to leave.
    stopSignal: 'SIGINT',
    isReadyLine: (line) => line.includes('database system is ready to accept connections'),
  });
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${url}postgres` });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}
