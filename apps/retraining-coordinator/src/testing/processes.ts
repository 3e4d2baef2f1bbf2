import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Env = Record<string, string>;

/** A new installation inside the test's Kafka and PostgreSQL, with a folder of its own. */
export async function newInstallation(): Promise<Env> {
  const name = `rt${randomBytes(4).toString('hex')}`;
  const home = await mkdtemp(join(tmpdir(), 'throughline-retraining-'));
  return { ...(process.env as Env), KAFKA_TOPIC_PREFIX: `${name}.`, DATABASE_SCHEMA_PREFIX: `${name}_`, THROUGHLINE_HOME: home, LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'error' };
}

/** Polls until the answer is there. For what cannot be awaited: another process's state. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined>, deadlineMs = 60_000): Promise<T> {
  const endMs = Date.now() + deadlineMs;
  let lastError: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined) return answer;
    } catch (error) {
      lastError = error;
    }
    if (Date.now() > endMs) throw new Error(`${what}: not within ${deadlineMs} ms`, { cause: lastError });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export interface Spawned {
  readonly url: string;
  /** kill -9, and wait until it is gone. */
  kill(): Promise<void>;
}

/** A service as a process of its own (build first), ready. */
export async function spawnService(app: string, env: Env): Promise<Spawned> {
  const port = await freePort();
  const main = fileURLToPath(new URL(`../../../${app}/dist/main.js`, import.meta.url));
  const child = spawn(process.execPath, [main], { env: { ...env, PORT: String(port) }, stdio: ['ignore', 'inherit', 'inherit'] });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  const url = `http://127.0.0.1:${port}`;
  await eventually(`${app} is ready`, async () => ((await fetch(`${url}/health/ready`)).ok ? true : undefined));
  return { url, kill };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
