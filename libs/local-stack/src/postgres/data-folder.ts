import { createHash, randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LocalStackError } from '../errors.js';
import { commandOf } from '../process/identity.js';
import { run } from '../process/run.js';
import { SYSTEM_FOLDER } from './binaries.js';
import type { Binaries } from './binaries.js';
import { canReach } from './user.js';
import type { RunAs } from './user.js';

export const DATABASE_USER = 'throughline';

/** Below the home, or, where `user` cannot reach that, in the system's folder under a name that stands for the home. */
export async function dataFolderFor(home: string, user: RunAs): Promise<string> {
  const beside = join(home, 'postgres');
  mkdirSync(beside, { recursive: true });
  if (await canReach(beside, user)) return join(beside, 'data');
  const parent = join(SYSTEM_FOLDER, createHash('sha256').update(home).digest('hex').slice(0, 16));
  mkdirSync(parent, { recursive: true, mode: 0o755 });
  return join(parent, 'data');
}

/** The password of a data folder; random, made with the folder, readable by its owner only. */
export function passwordFor(home: string, dataFolder: string): string {
  const file = join(home, 'postgres', 'password');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  if (isInitialised(dataFolder))
    throw new LocalStackError(`The password of ${dataFolder} is gone (${file}).`, 'Put the file back, or delete the data folder to start anew.');
  const password = randomBytes(24).toString('base64url');
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return password;
}

export const isInitialised = (dataFolder: string): boolean => existsSync(join(dataFolder, 'PG_VERSION'));

/** Makes the data folder. What an interrupted attempt left behind is cleared away first. */
export async function initialise(dataFolder: string, password: string, binaries: Binaries, user: RunAs): Promise<void> {
  const filling = `${dataFolder}.new`;
  for (const leftover of [dataFolder, filling]) rmSync(leftover, { recursive: true, force: true });
  mkdirSync(filling, { mode: 0o700 });
  const passwordFile = join(filling, 'pw');
  const folder = join(filling, 'data');
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) for (const path of [filling, folder, passwordFile]) chownSync(path, user.uid, user.gid);
  const args = [
    `--pgdata=${folder}`,
    `--username=${DATABASE_USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ];
  const result = await run(binaries.initdb, args, { ...user, cwd: '/' });
  rmSync(passwordFile);
  if (!result.ok)
    throw new LocalStackError(
      `PostgreSQL’s data folder ${dataFolder} could not be made:\n${result.output}`,
      'Give DATABASE_URL to use a PostgreSQL that you have.',
    );
  // Rename last: a folder that is there is complete.
  renameSync(folder, dataFolder);
  rmSync(filling, { recursive: true });
}

/**
 * Removes the lock file of a server that is no more. PostgreSQL does so itself unless the pid in it belongs to somebody else by now,
 * which in containers, where pids repeat, is the rule.
 */
export function clearStaleLock(dataFolder: string): void {
  const lock = join(dataFolder, 'postmaster.pid');
  if (!existsSync(lock)) return;
  const pid = Number(readFileSync(lock, 'utf8').split('\n')[0]);
  if (!commandOf(pid).includes(dataFolder)) rmSync(lock);
}
