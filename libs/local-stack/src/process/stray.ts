import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { LocalStackError } from '../errors.js';
import { eventually } from './eventually.js';
import { identify, isAlive } from './identity.js';
import type { ProcessIdentity } from './identity.js';

interface PidFile {
  readonly child: ProcessIdentity;
  readonly owner: ProcessIdentity;
}

/** Notes which process of ours runs from a folder, and on whose behalf. */
export function writePidFile(file: string, childPid: number): void {
  const child = identify(childPid);
  const owner = identify(process.pid);
  if (child === undefined || owner === undefined) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ child, owner } satisfies PidFile)}\n`);
}

export const removePidFile = (file: string): void => rmSync(file, { force: true });

/**
 * Makes sure that nothing of ours still runs from the folder of this pid file: ends what was left behind by an owner that died.
 *
 * @throws LocalStackError when its owner is alive.
 */
export async function clearStray(file: string, what: string): Promise<void> {
  const noted = readPidFile(file);
  if (noted !== undefined && isAlive(noted.child)) {
    if (noted.owner.pid !== process.pid && isAlive(noted.owner)) {
      throw new LocalStackError(
        `${what} is already running from ${dirname(file)} (process ${noted.child.pid}, started by process ${noted.owner.pid}).`,
        'Stop that one first, or set THROUGHLINE_HOME to another folder.',
      );
    }
    await end(noted.child);
  }
  removePidFile(file);
}

function readPidFile(file: string): PidFile | undefined {
  try {
    const noted = JSON.parse(readFileSync(file, 'utf8')) as Partial<PidFile>;
    return noted.child && noted.owner ? { child: noted.child, owner: noted.owner } : undefined;
  } catch {
    return undefined;
  }
}

const GRACE_MS = 10_000;

async function end(stray: ProcessIdentity): Promise<void> {
  const gone = () => !isAlive(stray);
  // SIGINT is PostgreSQL's fast shutdown (SIGTERM would wait for its clients) and as good as SIGTERM to a JVM.
  signal(stray, 'SIGINT');
  if (await eventually(gone, GRACE_MS)) return;
  signal(stray, 'SIGKILL');
  await eventually(gone, GRACE_MS);
}

function signal(target: ProcessIdentity, name: NodeJS.Signals): void {
  if (isAlive(target)) process.kill(target.pid, name);
}
