import { LocalStackError } from '../errors.js';
import { run } from '../process/run.js';

/** Who PostgreSQL runs as; `undefined`: as ourselves. */
export type RunAs = { readonly uid: number; readonly gid: number } | undefined;

/**
 * PostgreSQL refuses to run as root, so root runs it as the user `postgres`, made when missing.
 *
 * @throws LocalStackError when there is no such user and none can be made.
 */
export async function postgresUser(): Promise<RunAs> {
  if (process.getuid?.() !== 0) return undefined;
  const existing = await idsOf('postgres');
  if (existing) return existing;
  const created = await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']);
  const made = await idsOf('postgres');
  if (made) return made;
  throw new LocalStackError(
    `PostgreSQL does not run as root, and the user postgres could not be made:\n${created.output}`,
    'Run as another user than root, or make the user: `useradd postgres`, or give DATABASE_URL.',
  );
}

async function idsOf(user: string): Promise<RunAs> {
  const [uid, gid] = await Promise.all([run('id', ['-u', user]), run('id', ['-g', user])]);
  return uid.ok && gid.ok ? { uid: Number(uid.output), gid: Number(gid.output) } : undefined;
}

/** Whether that user gets at a folder (a home directory with mode 700 above it is the usual obstacle). */
export async function canReach(folder: string, user: RunAs): Promise<boolean> {
  return user === undefined || (await run('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...user, cwd: '/' })).ok;
}
