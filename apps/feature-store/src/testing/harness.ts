import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createBus, type Bus } from '@throughline/bus';
import { decodeOrThrow, encodeEvent, type EventData } from '@throughline/contracts';
import type { ObservedEvent } from '@throughline/features';

/** A new installation inside the test's Kafka and PostgreSQL. */
export function newInstallation(): Record<string, string> {
  const name = `fs${randomBytes(4).toString('hex')}`;
  return { ...(process.env as Record<string, string>), KAFKA_TOPIC_PREFIX: `${name}.`, DATABASE_SCHEMA_PREFIX: `${name}_`, LOG_LEVEL: 'warn' };
}

export function busOf(env: Record<string, string>): Bus {
  return createBus({ KAFKA_BROKERS: env['KAFKA_BROKERS']!.split(','), KAFKA_TOPIC_PREFIX: env['KAFKA_TOPIC_PREFIX']! }, { clientId: 'test' });
}

/** Polls until the answer is there. For what cannot be awaited: another process's state. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined>, deadlineMs = 60_000): Promise<T> {
  const endMs = Date.now() + deadlineMs;
  for (;;) {
    const answer = await probe().catch(() => undefined);
    if (answer !== undefined) return answer;
    if (Date.now() > endMs) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export interface Spawned {
  readonly url: string;
  readonly child: ChildProcess;
  /** kill -9, and wait until it is gone. */
  kill(): Promise<void>;
}

/** The service as a process of its own, ready. */
export async function spawnService(env: Record<string, string>): Promise<Spawned> {
  const port = await freePort();
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
  const child = spawn(process.execPath, [main], { env: { ...env, PORT: String(port) }, stdio: ['ignore', 'inherit', 'inherit'] });
  const url = `http://127.0.0.1:${port}`;
  await eventually('the service is ready', async () => ((await fetch(`${url}/health/ready`)).ok ? true : undefined));
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { url, child, kill };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

export interface Sent extends ObservedEvent {
  readonly id: string;
}

export const withIds = (events: readonly ObservedEvent[]): Sent[] => events.map((event) => ({ ...event, id: randomUUID() }));

/** @param keyOf decides the partition; by the contract the entity, but nothing may rely on that */
export async function sendObserved(bus: Bus, events: readonly Sent[], keyOf: (event: Sent) => string = ({ entityId }) => entityId): Promise<void> {
  await bus.producer.sendAll(
    events.map((sent) => {
      const { id, entityId, event, values, occurredAtMs } = sent;
      const data = { entityType: 'airport', entityId, event, values: { ...values }, occurredAt: new Date(occurredAtMs).toISOString() };
      return { topic: 'feature.observed.v1' as const, key: keyOf(sent), ...encodeEvent('feature.observed.v1', { id, source: '/test', timeMs: occurredAtMs, data }) };
    }),
  );
}

/** Resolves when the service's group has committed everything on the topic, so that every effect is durable. */
export async function allConsumed(bus: Bus): Promise<void> {
  await eventually('everything is consumed', async () => {
    const offsets = await bus.admin.offsets('feature.observed.v1', 'feature-store');
    return offsets.every(({ high, committed }) => high === 0n || committed === high) ? true : undefined;
  });
}

export type Update = EventData<'feature.updated.v1'>;

/** What is on `feature.updated` now: the last update by key, and how many there were. */
export async function readUpdates(bus: Bus): Promise<{ last: Map<string, Update>; count: number }> {
  const last = new Map<string, Update>();
  let count = 0;
  await bus.admin.scan('feature.updated.v1', (messages) => {
    for (const message of messages) {
      last.set(message.key!.toString(), decodeOrThrow('feature.updated.v1', message).data);
      count += 1;
    }
  });
  return { last, count };
}
