import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { forgetMembers } from '@throughline/bus/testing';
import { busSettings } from './bus-of.js';
import { eventually } from './eventually.js';

const LINES_KEPT = 20;

/** A service as a process of its own, to be stopped or killed for real. */
export interface SpawnedService {
  readonly url: string;
  /** Resolves when the process is gone, with its exit code; null where a signal ended it. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
  /** kill -9 of the only instance; resolves when the broker knows it too, so that the next one is not kept waiting for its sessions to end. */
  crash(): Promise<void>;
}

interface Options {
  /** By default `ready`: until `/health/ready` says yes. */
  readonly until?: 'listening' | 'ready';
}

/**
 * Starts `dist/main.js` of an app (build first). What it logs as an error is told on standard error.
 *
 * @param app folder below `apps/`
 * @param env what it adds to this process's own; without `PORT` it takes a free one
 * @throws Error with its last lines when it ends before
 */
export async function spawnService(app: string, env: NodeJS.ProcessEnv, { until = 'ready' }: Options = {}): Promise<SpawnedService> {
  const main = fileURLToPath(new URL(`../../../apps/${app}/dist/main.js`, import.meta.url));
  const whole: NodeJS.ProcessEnv = { ...process.env, PORT: '0', ...env, LOG_LEVEL: 'info' };
  const child = spawn(process.execPath, [main], { env: whole, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const listening = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (lines.length > LINES_KEPT) lines.shift();
      const { level, msg, url } = JSON.parse(line) as { level: string; msg: string; url?: string };
      if (msg === 'listening' && url !== undefined) resolve(url);
      if (level === 'error' || level === 'fatal') process.stderr.write(`${app}: ${line}\n`);
    });
  });
  const ended = exited.then((code): never => {
    throw new Error(`${app} ended with ${code} before it was ${until}:\n${lines.join('\n')}`);
  });
  // Often it ends long after anybody waits for this.
  ended.catch(() => undefined);
  const url = await Promise.race([listening, ended]);
  if (until === 'ready') await Promise.race([eventually(`${app} is ready`, async () => (await fetch(`${url}/health/ready`)).ok), ended]);
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return await exited;
  };
  return {
    url, end,
    crash: async () => {
      await end('SIGKILL');
      await forgetMembers(busSettings(whole), app);
    },
  };
}
