import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { LocalStackError } from '../errors.js';
import { commandOf } from './identity.js';

/** A loopback port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const found = await tryListen(0);
  if (found === undefined) throw new LocalStackError('No loopback port is free.', 'Check that 127.0.0.1 is up.');
  return found;
}

export const isPortFree = async (port: number): Promise<boolean> => (await tryListen(port)) !== undefined;

/**
 * @throws LocalStackError that says who listens there and what to do.
 */
export async function assertPortFree(port: number, what: string, cure: string): Promise<void> {
  if (await isPortFree(port)) return;
  throw new LocalStackError(`${what} needs port ${port}, which ${listenerOn(port)} has.`, cure);
}

/** Who listens on a port, as far as the system tells us. */
export function listenerOn(port: number): string {
  const pid = pidByLsof(port) ?? pidBySs(port);
  if (pid === undefined) return 'another process';
  const command = commandOf(pid);
  return `process ${pid}${command === '' ? '' : ` (${command.length > 80 ? `${command.slice(0, 80)}…` : command})`}`;
}

function tryListen(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const chosen = (server.address() as AddressInfo).port;
      server.close(() => resolve(chosen));
    });
  });
}

const pidByLsof = (port: number) => firstNumber(output('lsof', ['-nP', '-t', `-iTCP:${port}`, '-sTCP:LISTEN']), /^(\d+)/);
const pidBySs = (port: number) => firstNumber(output('ss', ['-Hltnp', `sport = :${port}`]), /pid=(\d+)/);

function firstNumber(text: string, pattern: RegExp): number | undefined {
  const match = pattern.exec(text);
  return match === null ? undefined : Number(match[1]);
}

function output(command: string, args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 2000 });
  } catch {
    return '';
  }
}
