import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { forgetMembers } from '@throughline/bus/testing';
import { readSettings } from '../../../config.js';

const MAIN = fileURLToPath(new URL('../../../../dist/main.js', import.meta.url));

/** The registry as a process of its own, to be killed for real. */
export interface SpawnedRegistry {
  readonly url: string;
  /** Resolves when the process is gone; after SIGKILL, when the broker knows it too. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

/** Starts `dist/main.js` (build first) and resolves when it listens. */
export async function spawnRegistry(env: Readonly<Record<string, string>>): Promise<SpawnedRegistry> {
  const child = spawn(process.execPath, [MAIN], { env: { PATH: process.env['PATH'] ?? '', ...env, LOG_LEVEL: 'info' }, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const url = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { msg, url: found, level } = JSON.parse(line) as { msg: string; url?: string; level: string };
      if (msg === 'listening' && found !== undefined) resolve(found);
      if (level === 'error') process.stderr.write(`${line}\n`);
    });
  });
  const ended = exited.then(([code]): never => {
    throw new Error(`the registry ended with ${String(code)} before it listened`);
  });
  return {
    url: await Promise.race([url, ended]),
    kill: async (signal) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
      if (signal === 'SIGKILL') await forgetMembers(readSettings(env), 'model-registry');
    },
  };
}
