import { createBus, type Bus, type OutgoingMessage } from '@throughline/bus';
import { decodeEvent, encodeEvent, type Event, type EventData, type EventTopic, type WireMessage } from '@throughline/contracts';
import { startService, type RunningService } from '@throughline/http';
import { createLogger } from '@throughline/telemetry';
import { newInstallation } from '@throughline/testing';
import { DataSource } from 'typeorm';
import { readConfig } from '../config.js';
import { serviceOptions } from '../service.js';

/** An installation of its own on the real Kafka and PostgreSQL of the test run. */
export interface Installation {
  readonly env: NodeJS.ProcessEnv;
  readonly bus: Bus;
  publish<T extends EventTopic>(topic: T, events: readonly { key?: string; data: EventData<T>; id?: string; traceparent?: string }[]): Promise<void>;
  publishRaw(messages: readonly OutgoingMessage[]): Promise<void>;
  read<T extends EventTopic>(topic: T): Promise<Event<T>[]>;
  deadLetters(): Promise<WireMessage[]>;
  sql<R = Record<string, unknown>>(statement: string, parameters?: unknown[]): Promise<R[]>;
  /** @param env settings other than the installation's */
  startLedger(env?: NodeJS.ProcessEnv): Promise<RunningService>;
  close(): Promise<void>;
}

let ids = 0;

export async function install(extra: NodeJS.ProcessEnv = {}): Promise<Installation> {
  const own = newInstallation({ PORT: '0' });
  const env: NodeJS.ProcessEnv = { ...own, ...extra };
  const schema = `${own['DATABASE_SCHEMA_PREFIX']}outcome_ledger`;
  const config = readConfig(env);
  const bus = createBus(config, { clientId: 'test' });
  await bus.admin.createTopics();
  const database = await new DataSource({ type: 'postgres', url: config.DATABASE_URL as string, extra: { options: `-c search_path=${schema}`, max: 1 } }).initialize();
  const scan = async (topic: Parameters<Bus['admin']['scan']>[0]): Promise<WireMessage[]> => {
    const all: WireMessage[] = [];
    await bus.admin.scan(topic, (messages) => void all.push(...messages));
    return all;
  };
  const services: RunningService[] = [];
  return {
    env, bus,
    publish: async (topic, events) => {
      await bus.producer.sendAll(events.map(({ key, data, id = `e-${++ids}`, traceparent }) => ({
        topic, key: key ?? String(ids++), ...encodeEvent(topic, { id, source: '/test', timeMs: Date.now(), data, traceparent }),
      })));
    },
    publishRaw: (messages) => bus.producer.sendAll(messages),
    read: async (topic) => (await scan(topic)).map((message) => decodeEvent(topic, message)).filter((event) => event.ok),
    deadLetters: () => scan('dead-letter.v1'),
    sql: (statement, parameters) => database.query(statement, parameters),
    startLedger: async (other = env) => {
      const service = await startService({ ...serviceOptions(other === env ? config : readConfig(other)), logger: createLogger('ledger', { level: env['LOG_LEVEL'] as string }) });
      services.push(service);
      return service;
    },
    close: async () => {
      await Promise.all(services.map((service) => service.close()));
      await bus.close();
      await database.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      await database.destroy();
    },
  };
}
