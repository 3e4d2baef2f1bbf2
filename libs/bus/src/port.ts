import type { ErrorCode, Event, EventTopic, TopicName, Undecodable, WireMessage } from '@throughline/contracts';
import type { AnyTopic, OwnTopic } from './topics.js';

/** Everything Throughline asks of a broker. Names of topics here never carry the installation's prefix; adapters add it. */
export interface Bus {
  readonly producer: BusProducer;
  readonly admin: BusAdmin;
  /** Joins a consumer group. Resolves once the group has assigned partitions. */
  subscribe<T extends EventTopic>(subscription: Subscription<T>): Promise<RunningSubscription>;
  /**
   * Reads a whole topic in every instance (no shared group, nothing committed), from its beginning, and goes on with what comes.
   * `caughtUp` resolves when the end that stood at the start has been handed over.
   */
  follow<T extends EventTopic>(follow: Follow<T>): Promise<RunningFollow>;
  /** Resolves with the reason when the bus can no longer work and the process should end, non-zero. */
  readonly dead: Promise<Error>;
  /** Stops every subscription and follow, waits for what is in flight, commits. The producer goes on. */
  stopConsuming(): Promise<void>;
  /** Stops consuming, waits for what is in flight, commits, flushes the producer, disconnects; in this order. */
  close(): Promise<void>;
}

export interface OutgoingMessage {
  readonly topic: AnyTopic;
  /** Decides the partition and thereby the order. */
  readonly key: string | Buffer;
  /** `null` deletes the key of a compacted topic. */
  readonly value: string | Buffer | null;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
}

export interface BusProducer {
  /**
   * Resolves when all in-sync replicas have the message (acks=all). Messages of one call order keep their order. Rejects with
   * `unavailable` after bounded retries; the caller then must not count the message as sent.
   */
  send(message: OutgoingMessage): Promise<void>;
  /** The same for many at once; one promise for all is cheaper than one each. */
  sendAll(messages: readonly OutgoingMessage[]): Promise<void>;
  /** Resolves when nothing is waiting or in flight. */
  flush(): Promise<void>;
  /** Bytes and messages accepted and not yet acknowledged, for back-pressure and metrics. */
  readonly pending: { readonly messages: number; readonly bytes: number };
}

export interface EventBatch<T extends EventTopic> {
  /** The topic of the contract; the messages carry the name of the topic they came from, which may be somebody's own. */
  readonly topic: T;
  readonly partition: number;
  /** Decoded and valid, in the order of the partition. */
  readonly events: readonly Event<T>[];
  /** Filled only when the subscription asks to handle them itself; else they are dead letters already. */
  readonly undecodable: readonly Undecodable[];
  /** Filled only in the call without events that a subscription with `unhandled: 'tell'` gets. */
  readonly unhandled: readonly Unhandled[];
  /** Aborted when the partition was taken away or the service stops: finish quickly, effects stay idempotent. */
  readonly signal: AbortSignal;
  /** Sends this one message to the dead letters; the rest of the batch is unharmed. */
  deadLetter(message: Event<T> | Undecodable, code: ErrorCode, reason: string): void;
}

/** A message without an effect of the handler's: a dead letter, whoever made it one, or a replay that was meant for another group. */
export interface Unhandled {
  readonly message: WireMessage;
  /** Of the dead letter; absent for a replay that was meant for another group. */
  readonly code: ErrorCode | undefined;
}

/**
 * Resolves when every effect of the batch is durable; only then may its offsets be committed. A rejection with a retriable error
 * is tried again with back-off (for ever if the code is `unavailable`: the world is down, not the message); with another one the batch is
 * split until the poisonous message stands alone and becomes a dead letter.
 */
export type BatchHandler<T extends EventTopic> = (batch: EventBatch<T>) => Promise<void>;

export interface Subscription<T extends EventTopic = EventTopic> {
  readonly topic: T;
  /**
   * The topic to read instead: somebody's own that says what `topic` says. Messages, dead letters, metrics and identities without an envelope
   * carry its name; schema and `EventBatch.topic` stay those of `topic`. It must be there: `admin.ensureTopic`.
   */
  readonly ownTopic?: OwnTopic<NoInfer<T>> | undefined;
  readonly group: string;
  readonly handler: BatchHandler<T>;
  /** Messages handed over at once; default 500. */
  readonly maxBatchSize?: number;
  /**
   * Batches of a partition that may be unfinished at a time; default 1 (right for databases). More keeps a pipeline full: batches are
   * still handed over in order, offsets are committed only as the finished prefix, and while one is retried no new one starts.
   */
  readonly maxInFlightBatches?: number;
  readonly undecodable?: 'dead-letter' | 'handle';
  /**
   * `tell`: for those who keep account of every message. When dead letters of a batch are written, and before its offsets are committed, the
   * handler is called once more, without events, with what no handler has an effect of.
   */
  readonly unhandled?: 'tell' | undefined;
  /** Attempts for a retriable error other than `unavailable`, before the dead letter; default 5. */
  readonly maxAttempts?: number;
}

export interface RunningSubscription {
  /** Stops intake, waits for what is in flight, commits, leaves the group. */
  stop(): Promise<void>;
  /** Messages handed over and not yet finished. */
  readonly inFlight: number;
  pause(): void;
  resume(): void;
}

/** Offset to begin at, by partition. One that the topic does not hold (any more, or yet) stands for the nearest that it does. */
export type StartOffsets = ReadonlyMap<number, bigint>;

export interface Follow<T extends EventTopic> {
  readonly topic: T;
  /** Where to begin instead of the topic's beginning; so do partitions that it does not name. */
  readonly from?: StartOffsets;
  readonly onEvent: (event: Event<T>) => void | Promise<void>;
  /** A compacted topic's deletion. */
  readonly onTombstone?: (key: string, message: WireMessage) => void;
  readonly onUndecodable?: (message: Undecodable) => void;
}

export interface RunningFollow {
  readonly caughtUp: Promise<void>;
  /** Messages between what was handed over and the end of the topic, as last seen. */
  readonly lag: number;
  stop(): Promise<void>;
}

export interface PartitionOffsets {
  readonly partition: number;
  readonly low: bigint;
  /** One past the last message. */
  readonly high: bigint;
  /** Next offset the group will read; absent when it has none. */
  readonly committed?: bigint;
}

export interface BusAdmin {
  /** Creates what is missing of the contract's topics; leaves what is there. */
  createTopics(): Promise<{ created: TopicName[]; existing: TopicName[] }>;
  /** Creates a topic of somebody's own as the one it extends is defined; leaves what is there. */
  ensureTopic(topic: OwnTopic): Promise<{ created: boolean }>;
  /** @throws ContractError `not_found` when a topic of somebody's own is not there */
  offsets(topic: AnyTopic, group?: string): Promise<PartitionOffsets[]>;
  /**
   * By partition, the offset of the first message whose timestamp is `timestampMs` (epoch milliseconds) or later; the end of the partition where
   * there is none yet.
   *
   * @throws ContractError `not_found` when a topic of somebody's own is not there
   */
  offsetsAt(topic: AnyTopic, timestampMs: number): Promise<ReadonlyMap<number, bigint>>;
  /** Reads a topic's present content once, from `low` (or `from`) to `high`, without a group. For audits and dead letters. */
  scan(topic: AnyTopic, onMessages: (messages: readonly WireMessage[]) => void | Promise<void>, from?: StartOffsets): Promise<void>;
  ping(): Promise<void>;
}
