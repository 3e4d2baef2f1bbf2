import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process, recognisable after its pid has been given to another one. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own words; compared, never read. */
  readonly started: string;
}

/** The process that now has this pid, or `undefined` when there is none (a zombie is none). */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = process.platform === 'linux' ? startedByProc(pid) : startedByPs(pid);
  return started === undefined ? undefined : { pid, started };
}

export const isAlive = (known: ProcessIdentity): boolean => identify(known.pid)?.started === known.started;

function startedByProc(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The command's name stands in parentheses and may hold spaces; fields are counted from behind it (state is field 3).
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function startedByPs(pid: number): string | undefined {
  const line = attempt(() => execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim());
  return line === undefined || line === '' || line.startsWith('Z') ? undefined : line.slice(line.indexOf(' ') + 1).trim();
}

/** The command line of a process; empty when it cannot be seen. */
export function commandOf(pid: number): string {
  const read = () =>
    process.platform === 'linux'
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      : execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  return attempt(read) ?? '';
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
