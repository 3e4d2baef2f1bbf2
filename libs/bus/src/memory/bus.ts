import { ContractError, TOPIC_NAMES, type EventTopic, type TopicName, type WireMessage } from '@throughline/contracts';
import { BatchRunner } from '../consume/batch-runner.js';
import { followHandler } from '../consume/follow-handler.js';
import { LaneGroup } from '../consume/lane-group.js';
import type { Lane } from '../consume/lane.js';
import { deferred } from '../deferred.js';
import type { Bus, BusAdmin, BusProducer, Follow, PartitionOffsets, RunningFollow, RunningSubscription, StartOffsets, Subscription } from '../port.js';
import { MicroBatcher } from '../produce/micro-batcher.js';
import { silentLogger, type BusLogger } from '../settings.js';
import { topicOf, type AnyTopic, type OwnTopic } from '../topics.js';
import { MemoryBroker } from './broker.js';

const FETCH_SIZE = 1_000;
const DRAIN_TIMEOUT_MS = 15_000;

interface Stoppable {
  stop(): Promise<void>;
}

/**
 * The port in memory, for unit tests: the same lanes, runner, dead letters and batcher as over Kafka, on logs that vanish with the process.
 * It cannot show what only a broker can: durability, sessions, fencing.
 */
export class MemoryBus implements Bus {
  readonly producer: BusProducer;
  readonly admin: BusAdmin;
  readonly dead = deferred<Error>().promise;
  private readonly consuming = new Set<Stoppable>();

  constructor(
    readonly broker: MemoryBroker = new MemoryBroker(),
    private readonly logger: BusLogger = silentLogger,
  ) {
    this.producer = new MicroBatcher({ sendBatch: async (messages) => broker.append(messages) });
    this.admin = new MemoryAdmin(broker);
  }

  async subscribe<T extends EventTopic>(subscription: Subscription<T>): Promise<RunningSubscription> {
    if (!this.broker.has(topicOf(subscription))) throw new ContractError('unavailable', `cannot subscribe to ${topicOf(subscription)}: it is not there`);
    const running = new MemorySubscription(subscription, this.broker, this.producer, this.logger);
    this.consuming.add(running);
    return running;
  }

  async follow<T extends EventTopic>(follow: Follow<T>): Promise<RunningFollow> {
    const running = new MemoryFollow(follow, this.broker, this.logger);
    this.consuming.add(running);
    return running;
  }

  async stopConsuming(): Promise<void> {
    const stopping = [...this.consuming];
    this.consuming.clear();
    await Promise.all(stopping.map((running) => running.stop()));
  }

  async close(): Promise<void> {
    await this.stopConsuming();
    await this.producer.flush();
  }
}

class MemorySubscription<T extends EventTopic> implements RunningSubscription {
  private readonly lanes: LaneGroup;
  private readonly positions = new Map<number, number>();
  private readonly member = { assign: (partitions: readonly number[]) => this.assigned(partitions) };
  private readonly stopListening: () => void;
  private readonly topic: AnyTopic;
  private stopped: Promise<void> | undefined;

  constructor(
    private readonly subscription: Subscription<T>,
    private readonly broker: MemoryBroker,
    producer: BusProducer,
    logger: BusLogger,
  ) {
    this.topic = topicOf(subscription);
    const runner = new BatchRunner({ subscription, producer, logger });
    this.lanes = new LaneGroup({ subscription, run: (...batch) => runner.run(...batch), onProgress: (lane) => this.progressed(lane) });
    this.stopListening = broker.listen(this.topic, (partition) => this.fetchSoon(partition));
    broker.join(this.topic, subscription.group, this.member);
  }

  get inFlight(): number {
    return this.lanes.inFlight;
  }

  pause(): void {
    this.lanes.hold(true);
  }

  resume(): void {
    this.lanes.hold(false);
  }

  stop(): Promise<void> {
    this.stopped ??= this.drainAndLeave();
    return this.stopped;
  }

  private async drainAndLeave(): Promise<void> {
    this.stopListening();
    await this.lanes.drain(DRAIN_TIMEOUT_MS);
    this.broker.leave(this.topic, this.subscription.group, this.member);
  }

  private assigned(partitions: readonly number[]): void {
    this.lanes.assign(partitions);
    for (const partition of partitions) {
      this.positions.set(partition, this.broker.committed(this.topic, this.subscription.group, partition) ?? 0);
      this.fetchSoon(partition);
    }
  }

  private progressed(lane: Lane): void {
    // A lane that was given up may still finish; its partition is somebody else's.
    if (this.lanes.get(lane.partition) !== lane) return;
    const { committable } = lane;
    if (committable !== undefined) {
      this.broker.commit(this.topic, this.subscription.group, lane.partition, committable);
      lane.committed = committable;
    }
    if (lane.hasRoom) this.fetchSoon(lane.partition);
  }

  /** Later, as over a network: nobody may rely on delivery within `send`. */
  private fetchSoon(partition: number): void {
    setImmediate(() => {
      const lane = this.lanes.get(partition);
      const position = this.positions.get(partition);
      if (lane === undefined || position === undefined || lane.isFull || this.stopped !== undefined) return;
      const log = this.broker.log(this.topic)[partition]!;
      const messages = log.slice(position, position + FETCH_SIZE);
      if (messages.length === 0) return;
      this.positions.set(partition, position + messages.length);
      lane.push(messages, log.length);
      this.fetchSoon(partition);
    });
  }
}

class MemoryFollow<T extends EventTopic> implements RunningFollow {
  private readonly reached = deferred();
  private readonly abort = new AbortController();
  private readonly positions: number[];
  private readonly targets: number[];
  private readonly stopListening: () => void;
  private reading: Promise<void> = Promise.resolve();

  constructor(
    private readonly options: Follow<T>,
    private readonly broker: MemoryBroker,
    logger: BusLogger,
  ) {
    const log = broker.log(options.topic);
    this.positions = log.map(({ length }, partition) => Math.min(Math.max(0, Number(options.from?.get(partition) ?? 0)), length));
    this.targets = log.map(({ length }) => length);
    const handle = followHandler(options, logger, this.abort.signal);
    const readSoon = (): void => {
      this.reading = this.reading.then(() => this.read(handle));
    };
    this.stopListening = broker.listen(options.topic, readSoon);
    readSoon();
  }

  get caughtUp(): Promise<void> {
    return this.reached.promise;
  }

  get lag(): number {
    return this.broker.log(this.options.topic).reduce((sum, { length }, partition) => sum + length - this.positions[partition]!, 0);
  }

  async stop(): Promise<void> {
    this.abort.abort();
    this.stopListening();
    await this.reading;
  }

  private async read(handle: (messages: readonly WireMessage[]) => Promise<void>): Promise<void> {
    for (const [partition, log] of this.broker.log(this.options.topic).entries()) {
      const messages = log.slice(this.positions[partition]!);
      await handle(messages);
      this.positions[partition]! += messages.length;
    }
    if (this.targets.every((target, partition) => this.positions[partition]! >= target)) this.reached.resolve();
  }
}

class MemoryAdmin implements BusAdmin {
  constructor(private readonly broker: MemoryBroker) {}

  async createTopics(): Promise<{ created: TopicName[]; existing: TopicName[] }> {
    return { created: [], existing: [...TOPIC_NAMES] };
  }

  async ensureTopic(topic: OwnTopic): Promise<{ created: boolean }> {
    return { created: this.broker.create(topic) };
  }

  async offsets(topic: AnyTopic, group?: string): Promise<PartitionOffsets[]> {
    return this.broker.log(topic).map(({ length }, partition) => {
      const committed = group === undefined ? undefined : this.broker.committed(topic, group, partition);
      return { partition, low: 0n, high: BigInt(length), ...(committed === undefined ? {} : { committed: BigInt(committed) }) };
    });
  }

  async scan(topic: AnyTopic, onMessages: (messages: readonly WireMessage[]) => void | Promise<void>, from?: StartOffsets): Promise<void> {
    for (const [partition, log] of this.broker.log(topic).entries()) {
      const messages = log.slice(Math.max(0, Number(from?.get(partition) ?? 0)));
      if (messages.length > 0) await onMessages(messages);
    }
  }

  async ping(): Promise<void> {}
}
