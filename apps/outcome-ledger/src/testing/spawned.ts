import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { forgetMembers } from '@throughline/bus/testing';
import { readConfig } from '../config.js';
import { SERVICE } from '../outcome-ledger.module.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** The ledger as a process of its own, to be killed for real. */
export interface SpawnedLedger {
  readonly url: string;
  /** Resolves when the process is gone. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
  /** kill -9 of the only instance; resolves when the broker knows it too, so that the next one is not kept waiting for its session. */
  crash(): Promise<void>;
}

/** Starts `dist/main.js` (build first) and resolves when it listens. */
export async function spawnLedger(env: NodeJS.ProcessEnv): Promise<SpawnedLedger> {
  const child = spawn(process.execPath, [MAIN], { env: { ...env, LOG_LEVEL: 'info' }, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const url = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { msg, url: found, level } = JSON.parse(line) as { msg: string; url?: string; level: string };
      if (msg === 'listening' && found !== undefined) resolve(found);
      if (process.env['LOG_LEVEL'] !== undefined && level !== 'info') process.stderr.write(`${line}\n`);
    });
  });
  const ended = exited.then(([code]): never => {
    throw new Error(`the ledger ended with ${code} before it listened`);
  });
  const kill = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return (await exited)[0];
  };
  return {
    url: await Promise.race([url, ended]),
    kill,
    crash: async () => {
      await kill('SIGKILL');
      await forgetMembers(readConfig(env), SERVICE);
    },
  };
}
