import { ContractError, type EventTopic } from '@throughline/contracts';
import { followHandler } from './consume/follow-handler.js';
import type { GroupClient, GroupListener } from './consume/group-client.js';
import { GroupConsumer } from './consume/group-consumer.js';
import type { OpenReader } from './consume/reader.js';
import { deferred } from './deferred.js';
import type { Names } from './names.js';
import type { Bus, BusAdmin, BusProducer, Follow, RunningFollow, RunningSubscription, Subscription } from './port.js';
import { silentLogger, type BusLogger } from './settings.js';
import { topicOf, type AnyTopic } from './topics.js';

interface Closable {
  close(): Promise<void>;
}

export interface AdapterOptions {
  readonly clientId: string;
  readonly logger: BusLogger;
  readonly sendPatienceMs?: number | undefined;
}

/** What a client library must bring to stand behind the port. Nothing connects before it is used. */
export interface Adapter {
  readonly names: Names;
  readonly producer: BusProducer & Closable;
  readonly admin: BusAdmin & Closable;
  readonly openMember: (topic: AnyTopic, group: string, listener: GroupListener) => GroupClient;
  readonly openReader: OpenReader;
}

interface Stoppable {
  stop(): Promise<void>;
}

/** The port over whichever client. */
export class ClientBus implements Bus {
  readonly producer: BusProducer;
  readonly admin: BusAdmin;
  readonly dead: Promise<Error>;
  private readonly died: (error: Error) => void;
  private readonly consuming = new Set<Stoppable>();
  private closed: Promise<void> | undefined;

  constructor(
    private readonly adapter: Adapter,
    private readonly logger: BusLogger = silentLogger,
  ) {
    this.producer = adapter.producer;
    this.admin = adapter.admin;
    const { promise, resolve } = deferred<Error>();
    this.dead = promise;
    this.died = resolve;
  }

  async subscribe<T extends EventTopic>(subscription: Subscription<T>): Promise<RunningSubscription> {
    const consumer: GroupConsumer<T> = new GroupConsumer(subscription, {
      connect: (listener) => this.adapter.openMember(topicOf(subscription), subscription.group, listener),
      name: this.adapter.names.topic(topicOf(subscription)),
      producer: this.producer,
      logger: this.logger,
      onDead: this.died,
      onStopped: () => this.consuming.delete(consumer),
    });
    this.consuming.add(consumer);
    try {
      await consumer.start();
    } catch (error) {
      void consumer.stop();
      throw error;
    }
    return consumer;
  }

  async follow<T extends EventTopic>(follow: Follow<T>): Promise<RunningFollow> {
    const abort = new AbortController();
    const reader = this.adapter.openReader({
      topic: follow.topic,
      from: follow.from,
      onMessages: followHandler(follow, this.logger, abort.signal),
      onDead: this.died,
    });
    const running: RunningFollow = {
      caughtUp: reader.caughtUp,
      get lag() {
        return reader.lag;
      },
      stop: () => {
        abort.abort();
        return reader.stop().finally(() => this.consuming.delete(running));
      },
    };
    this.consuming.add(running);
    try {
      await reader.start();
    } catch (error) {
      void running.stop();
      throw new ContractError('unavailable', `cannot follow ${this.adapter.names.topic(follow.topic)}: ${(error as Error).message}`, { cause: error });
    }
    return running;
  }

  async stopConsuming(): Promise<void> {
    await Promise.all(Array.from(this.consuming, (running) => running.stop()));
  }

  close(): Promise<void> {
    this.closed ??= this.shutDown();
    return this.closed;
  }

  private async shutDown(): Promise<void> {
    await this.stopConsuming();
    await this.adapter.producer.close();
    await this.adapter.admin.close();
  }
}
