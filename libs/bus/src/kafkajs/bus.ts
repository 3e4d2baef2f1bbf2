import { ContractError, type EventTopic } from '@throughline/contracts';
import type { Kafka } from 'kafkajs';
import { deferred } from '../deferred.js';
import type { Bus, Follow, RunningFollow, RunningSubscription, Subscription } from '../port.js';
import { silentLogger, type BusLogger, type BusSettings } from '../settings.js';
import { KafkaAdmin } from './admin.js';
import { createClient } from './client.js';
import { followHandler } from '../consume/follow-handler.js';
import { prefixedNames, type Names } from './names.js';
import { KafkaProducer } from './producer.js';
import { TopicReader } from './reader.js';
import { KafkaSubscription } from './subscription.js';

export interface BusOptions {
  /** Name of the client in the brokers' logs and quotas. */
  readonly clientId?: string;
  readonly logger?: BusLogger;
  /** How long an unacknowledged send is repeated before it is `unavailable`, milliseconds; default 30 s. */
  readonly sendPatienceMs?: number;
}

interface Stoppable {
  stop(): Promise<void>;
}

/** The port over kafkajs. Nothing connects before it is used. */
export class KafkaBus implements Bus {
  readonly producer: KafkaProducer;
  readonly admin: KafkaAdmin;
  readonly dead: Promise<Error>;
  private readonly kafka: Kafka;
  private readonly names: Names;
  private readonly logger: BusLogger;
  private readonly died: (error: Error) => void;
  private readonly consuming = new Set<Stoppable>();
  private closed: Promise<void> | undefined;

  constructor(settings: BusSettings, { clientId = 'throughline', logger = silentLogger, sendPatienceMs }: BusOptions = {}) {
    this.logger = logger;
    this.names = prefixedNames(settings.KAFKA_TOPIC_PREFIX ?? '');
    this.kafka = createClient(settings, clientId, logger);
    this.producer = new KafkaProducer(this.kafka, this.names, logger, sendPatienceMs);
    this.admin = new KafkaAdmin(this.kafka, this.names);
    const { promise, resolve } = deferred<Error>();
    this.dead = promise;
    this.died = resolve;
  }

  async subscribe<T extends EventTopic>(subscription: Subscription<T>): Promise<RunningSubscription> {
    const { kafka, names, producer, logger, died } = this;
    const running = new KafkaSubscription(subscription, { kafka, names, producer, logger, onDead: died });
    this.consuming.add(running);
    await running.start();
    return running;
  }

  async follow<T extends EventTopic>(follow: Follow<T>): Promise<RunningFollow> {
    const { kafka, names, logger, died } = this;
    const abort = new AbortController();
    const reader = new TopicReader({ kafka, names, topic: follow.topic, from: follow.from, onMessages: followHandler(follow, logger, abort.signal), onDead: died });
    const running: RunningFollow = {
      caughtUp: reader.caughtUp,
      get lag() {
        return reader.lag;
      },
      stop: () => {
        abort.abort();
        this.consuming.delete(running);
        return reader.stop();
      },
    };
    this.consuming.add(running);
    try {
      await reader.start();
    } catch (error) {
      throw new ContractError('unavailable', `cannot follow ${names.topic(follow.topic)}: ${(error as Error).message}`, { cause: error });
    }
    return running;
  }

  async stopConsuming(): Promise<void> {
    const stopping = [...this.consuming];
    this.consuming.clear();
    await Promise.all(stopping.map((running) => running.stop()));
  }

  close(): Promise<void> {
    this.closed ??= this.shutDown();
    return this.closed;
  }

  private async shutDown(): Promise<void> {
    await this.stopConsuming();
    await this.producer.close();
    await this.admin.close();
  }
}

/** A bus over the brokers of the settings, for services and scripts alike. Call `close` at the end. */
export function createBus(settings: BusSettings, options?: BusOptions): Bus {
  return new KafkaBus(settings, options);
}
