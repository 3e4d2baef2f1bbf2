import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.js';

const LINES_KEPT = 20;

/** A service as a process of its own. */
export interface SpawnedService {
  readonly url: string;
  readonly pid: number;
  /** Resolves when the process is gone, with its exit code; null where a signal ended it. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
}

interface Options {
  /** By default until `/health/ready` says yes. */
  readonly until?: 'listening' | 'ready';
}

/**
 * Starts `dist/main.js` of an app (build first) on a port of its own choice. What it logs as an error is told on standard error.
 *
 * @param app folder below `apps/`
 * @throws Error with its last lines when it ends before
 */
export async function spawnService(app: string, env: NodeJS.ProcessEnv, { until = 'ready' }: Options = {}): Promise<SpawnedService> {
  const main = fileURLToPath(new URL(`../../../apps/${app}/dist/main.js`, import.meta.url));
  const child = spawn(process.execPath, [main], { env: { ...env, PORT: '0', LOG_LEVEL: 'info' }, stdio: ['ignore', 'pipe', 'inherit'] });
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
  // It ends in any case, often long after anybody waits for this.
  ended.catch(() => undefined);
  const url = await Promise.race([listening, ended]);
  if (until === 'ready') await Promise.race([eventually(`${app} is ready`, async () => (await fetch(`${url}/health/ready`)).ok), ended]);
  return {
    url, pid: child.pid!,
    end: async (signal) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return await exited;
    },
  };
}
