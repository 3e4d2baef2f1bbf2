import type { Consumer } from '@platformatic/kafka';
import { backoffMs, pauseFor } from '../consume/backoff.js';
import type { Commit, GroupClient, GroupListener } from '../consume/group-client.js';
import { withDeadline } from '../deadline.js';
import { deferred } from '../deferred.js';
import type { Names } from '../names.js';
import type { BusLogger } from '../settings.js';
import type { AnyTopic } from '../topics.js';
import { library, type ClientOptions, type FetchResponsePartition } from './client.js';
import { isFinal, isRefused, reasonOf } from './errors.js';
import { Fetcher } from './fetcher.js';
import { messagesOf } from './wire.js';

const SESSION_TIMEOUT_MS = 10_000;
const REBALANCE_TIMEOUT_MS = 30_000;
/** A third of the session would do; but until a member hears of a rebalance, the partitions of one that left wait. */
const HEARTBEAT_INTERVAL_MS = 300;
/** How long the first join is repeated; without brokers, or a topic, it is refused after that. */
const FIRST_JOIN_PATIENCE_MS = 8_000;
const LEAVE_TIMEOUT_MS = 5_000;
/** kafkajs's name and version of it: members by either client may share a group, while an installation changes from one to the other. */
const PROTOCOL = { name: 'RoundRobinAssigner', version: 0 };
const NO_METADATA = Buffer.alloc(0);

export interface PlatformaticGroupOptions {
  readonly client: ClientOptions;
  readonly names: Names;
  readonly topic: AnyTopic;
  readonly group: string;
  readonly logger: BusLogger;
  readonly listener: GroupListener;
}

/** A member of a group by @platformatic/kafka, which joins, heartbeats and commits; what is fetched is ours to say. */
export class PlatformaticGroupClient implements GroupClient {
  private readonly consumer: Consumer;
  private readonly fetcher: Fetcher;
  private readonly name: string;
  private readonly joined = deferred();
  private readonly left = new AbortController();
  /** Counts joins begun: what belongs to an earlier one is void. */
  private round = 0;

  constructor(private readonly options: PlatformaticGroupOptions) {
    const { client, names, topic, group, logger } = options;
    this.name = names.topic(topic);
    const { Consumer } = library();
    this.consumer = new Consumer({
      ...client,
      groupId: names.group(group, topic),
      autocommit: false,
      sessionTimeout: SESSION_TIMEOUT_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_INTERVAL_MS,
      // A join is answered when the slowest member has joined.
      requestTimeout: REBALANCE_TIMEOUT_MS + SESSION_TIMEOUT_MS,
      protocols: [PROTOCOL],
      // Asked for before every join, and awaited: the one moment to let go of everything in good order.
      protocolsMetadata: () => this.beforeJoin(),
    });
    this.consumer.topics.track(this.name);
    this.consumer.on(
      'consumer:group:join',
      ({ assignments }) => void this.assigned(assignments?.find(({ topic: assigned }) => assigned === this.name)?.partitions ?? []),
    );
    // A join anew that failed; the library does not try again.
    (this.consumer as unknown as NodeJS.EventEmitter).on('error', (error) => void this.rejoin(error as Error));
    this.fetcher = new Fetcher({
      client,
      topic: this.name,
      onFetched: (partition, from) => this.handOn(partition, from),
      onError: (error, attempts) => logger.warn({ topic, group, reason: reasonOf(error), attempts }, 'a fetch failed; it is repeated'),
    });
  }

  async join(): Promise<void> {
    try {
      await this.joinPatiently(FIRST_JOIN_PATIENCE_MS, isRefused);
    } catch (error) {
      throw new Error(reasonOf(error), { cause: error });
    }
    await this.joined.promise;
  }

  pause(partition: number): void {
    this.fetcher.pause(partition);
  }

  resume(partition: number): void {
    this.fetcher.resume(partition);
  }

  async commit(commits: readonly Commit[]): Promise<void> {
    await this.consumer.commit({ offsets: commits.map(({ partition, offset }) => ({ topic: this.name, partition, offset: BigInt(offset), leaderEpoch: -1 })) });
  }

  async leave(): Promise<void> {
    this.left.abort();
    await Promise.all([this.fetcher.close(), withDeadline(this.consumer.close(true), LEAVE_TIMEOUT_MS)]);
  }

  private async beforeJoin(): Promise<Buffer> {
    this.round += 1;
    await this.options.listener.beforeRejoin();
    return NO_METADATA;
  }

  private async rejoin(error: Error): Promise<void> {
    if (this.left.signal.aborted) return;
    const { topic, group, logger, listener } = this.options;
    logger.warn({ topic, group, reason: reasonOf(error) }, 'the group could not be joined anew; it is tried again');
    try {
      if (isFinal(error)) throw error;
      await this.joinPatiently(Number.POSITIVE_INFINITY, () => false);
    } catch (final) {
      listener.onDead(new Error(reasonOf(final), { cause: final }));
    }
  }

  /** Until joined, left, or in vain. */
  private async joinPatiently(patienceMs: number, isInVain: (error: unknown) => boolean): Promise<void> {
    const startedMs = performance.now();
    for (let attempts = 1; !this.left.signal.aborted; attempts += 1) {
      try {
        await this.consumer.joinGroup({});
        return;
      } catch (error) {
        if (isFinal(error)) this.options.listener.onDead(new Error(reasonOf(error), { cause: error }));
        if (isFinal(error) || isInVain(error) || performance.now() - startedMs > patienceMs) throw error;
        await pauseFor(backoffMs(attempts, Math.random()), this.left.signal);
      }
    }
  }

  /** Goes on where it was in partitions that stay, unless somebody else has come further meanwhile; in others where the group was. */
  private async assigned(partitions: readonly number[]): Promise<void> {
    const { round } = this;
    const committed = await this.committed(partitions, round);
    if (committed === undefined) return;
    const positions = new Map(partitions.map((partition) => [partition, Math.max(committed.get(partition) ?? 0, this.fetcher.position(partition) ?? 0)]));
    this.options.listener.onAssigned(partitions);
    this.fetcher.assign(positions);
    this.joined.resolve();
  }

  /** Absent when the group has been joined anew or left meanwhile. */
  private async committed(partitions: readonly number[], round: number): Promise<Map<number, number> | undefined> {
    const { topic, group, logger } = this.options;
    for (let attempts = 1; this.round === round && !this.left.signal.aborted; attempts += 1) {
      try {
        const offsets = (await this.consumer.listCommittedOffsets({ topics: [{ topic: this.name, partitions: [...partitions] }] })).get(this.name) ?? [];
        const known = partitions.filter((partition) => (offsets[partition] ?? -1n) >= 0n);
        return this.round === round ? new Map(known.map((partition) => [partition, Number(offsets[partition])])) : undefined;
      } catch (error) {
        logger.warn({ topic, group, reason: reasonOf(error), attempts }, 'the committed offsets could not be read; it is tried again');
        await pauseFor(backoffMs(attempts, Math.random()), this.left.signal);
      }
    }
    return undefined;
  }

  private handOn(partition: FetchResponsePartition, from: number): number {
    const { partitionIndex, highWatermark } = partition;
    const { messages, next } = messagesOf(this.options.topic, partition, from);
    if (messages.length === 0) return next;
    return this.options.listener.onMessages(partitionIndex, () => messages, Number(highWatermark)) ? next : from;
  }
}
