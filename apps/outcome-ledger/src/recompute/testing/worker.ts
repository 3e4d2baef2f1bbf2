import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../../inference-worker/dist/main.js', import.meta.url));

/** A real worker as a process of its own (build first). */
export interface Worker {
  readonly url: string;
  stop(): Promise<void>;
}

/** Resolves when it is ready: every version that is deployed by then is warm. */
export async function startWorker(env: NodeJS.ProcessEnv): Promise<Worker> {
  const child = spawn(process.execPath, [MAIN], { env: { ...env, PORT: '0', LOG_LEVEL: 'info' }, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code} before it listened`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { msg, url: found } = JSON.parse(line) as { msg: string; url?: string };
      if (msg === 'listening' && found !== undefined) resolve(found);
    });
  });
  return {
    url,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}
