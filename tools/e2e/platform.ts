import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('../../', import.meta.url).pathname;

export interface Running {
  readonly origin: string;
  readonly home: string;
  readonly brokers: string;
  readonly env: NodeJS.ProcessEnv;
  /** All it has printed so far. */
  readonly output: () => string;
  /** Resolves with the match once the output holds it; rejects when the process ends first. */
  readonly said: (pattern: RegExp, timeoutMs: number) => Promise<RegExpMatchArray>;
  readonly child: ChildProcess;
}

/** What `npm start` runs, on ports and in a folder of its own, with a Kafka and a PostgreSQL of its own. */
export async function startPlatform(args: readonly string[], extraEnv: NodeJS.ProcessEnv = {}): Promise<Running> {
  const home = mkdtempSync(join(tmpdir(), 'throughline-e2e-'));
  const port = await freeRunOfPorts(8);
  const { KAFKA_BROKERS: _kafka, DATABASE_URL: _database, ...inherited } = process.env;
  const env = { ...inherited, THROUGHLINE_HOME: home, PORT: String(port), LOCAL_KAFKA_PORT: '0', LOCAL_KAFKA_CONTROLLER_PORT: '0', LOCAL_POSTGRES_PORT: '0', ...extraEnv };
  const child = spawn(process.execPath, [join(root, 'apps/platform/dist/main.js'), ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      for (const listener of listeners) listener();
    });
  }

  const said = (pattern: RegExp, timeoutMs: number): Promise<RegExpMatchArray> =>
    new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        listeners.delete(look);
        child.off('exit', ended);
        clearTimeout(timer);
        settle();
      };
      const look = (): void => {
        const match = output.match(pattern);
        if (match !== null) finish(() => resolve(match));
      };
      const ended = (): void => finish(() => reject(new Error(`the platform ended before it said ${pattern}:\n${output.slice(-4000)}`)));
      const timer = setTimeout(() => finish(() => reject(new Error(`the platform did not say ${pattern} within ${timeoutMs} ms:\n${output.slice(-4000)}`))), timeoutMs);
      listeners.add(look);
      child.on('exit', ended);
      look();
    });

  return {
    origin: `http://127.0.0.1:${port}`, home, env, child, output: () => output, said,
    get brokers() {
      return (JSON.parse(readFileSync(join(home, 'running.json'), 'utf8')) as { brokers: string }).brokers;
    },
  };
}

/** The first of `count` neighbouring ports that are all free. */
async function freeRunOfPorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 20_000);
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(first + index)));
    if (free.every(Boolean)) return first;
  }
  throw new Error('no run of free ports found');
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => {
      const { port: bound } = server.address() as AddressInfo;
      server.close(() => resolve(bound === port));
    });
  });
}

/** Ends the platform at once and waits until it is gone, if it is not already: who removes its home while it lives is refused. */
export async function kill({ child }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
