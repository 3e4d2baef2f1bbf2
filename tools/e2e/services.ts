import { createBus, type Bus } from '@throughline/bus';
import { repositoryRoot } from '@throughline/local-stack';
import { commonSettings, parseSettings, type ServiceName } from '@throughline/settings';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Some of the services as processes of their own, with topics and schemas of their own on the Kafka and PostgreSQL of the test run. */
export interface Services {
  readonly bus: Bus;
  readonly topicPrefix: string;
  readonly schemaPrefix: string;
  /** Starts the built service; resolves with its address once it listens and consumes. */
  start(service: ServiceName, env?: NodeJS.ProcessEnv): Promise<string>;
  /** All they have logged so far. */
  logs(): string;
  /** Ends services in order, as Ctrl-C does; their spans are exported then. Without names: all. They may be started again. */
  stop(...names: ServiceName[]): Promise<void>;
  close(): Promise<void>;
}

export async function createServices(extraEnv: NodeJS.ProcessEnv): Promise<Services> {
  const name = `e2e${randomBytes(4).toString('hex')}`;
  const home = mkdtempSync(join(tmpdir(), 'throughline-e2e-'));
  const common = {
    ...process.env,
    KAFKA_TOPIC_PREFIX: `${name}.`,
    DATABASE_SCHEMA_PREFIX: `${name}_`,
    THROUGHLINE_HOME: home,
    PORT: '0',
    LOG_LEVEL: 'debug',
    ...extraEnv,
  };
  const bus = createBus(parseSettings(commonSettings, common), { clientId: 'e2e' });
  await bus.admin.createTopics();
  const children = new Map<ChildProcess, ServiceName>();
  const lines: string[] = [];
  const stop = async (...names: ServiceName[]): Promise<void> => {
    const ending = [...children].filter(([, name]) => names.length === 0 || names.includes(name)).map(([child]) => child);
    for (const child of ending) children.delete(child);
    await Promise.all(ending.map(terminate));
  };
  return {
    bus,
    topicPrefix: common.KAFKA_TOPIC_PREFIX,
    schemaPrefix: common.DATABASE_SCHEMA_PREFIX,
    start: (service, env = {}) => {
      const child = spawn(process.execPath, [join(repositoryRoot, `apps/${service}/dist/main.js`)], {
        env: { ...common, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.set(child, service);
      return listening(service, child, lines);
    },
    logs: () => lines.join('\n'),
    stop,
    close: async () => {
      await stop();
      await bus.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function listening(service: ServiceName, child: ChildProcess, lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${service} ended with ${code} before it listened:\n${lines.slice(-20).join('\n')}`)));
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      lines.push(line);
      if (line.includes('"msg":"listening"')) resolve((JSON.parse(line) as { url: string }).url);
    });
  });
}

async function terminate(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
