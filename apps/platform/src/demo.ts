import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { guard, repositoryRoot, unguard } from '@throughline/local-stack';

export interface Demo {
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  stop(): Promise<void>;
}

const STOP_WITHIN_MS = 5000;

/** Runs the demo with this terminal as its own. */
export function startDemo(args: readonly string[], env: NodeJS.ProcessEnv): Demo {
  // In a process group of its own, like the services: it is ended first, in order.
  const child = spawn(process.execPath, ['--enable-source-maps', join(repositoryRoot, 'apps/demo/dist/main.js'), ...args], {
    env,
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const { pid } = child;
  if (pid !== undefined) guard(pid, 'service', 'TERM');
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  }).finally(() => pid !== undefined && unguard(pid));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await ended;
    clearTimeout(force);
  };
  return { ended, stop };
}
