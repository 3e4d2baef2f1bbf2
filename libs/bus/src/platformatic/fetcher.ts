import type { Consumer } from '@platformatic/kafka';
import { backoffMs, pauseFor } from '../consume/backoff.js';
import { withDeadline } from '../deadline.js';
import { library, type ClientOptions, type FetchResponse, type FetchResponsePartition } from './client.js';
import { isBecause, responseOf } from './errors.js';

/** Bounds how late a resumed partition is fetched again. */
const MAX_WAIT_MS = 100;
const MAX_BYTES = 8 * 1024 * 1024;
const PARTITION_MAX_BYTES = 1024 * 1024;
const OFFSET_OUT_OF_RANGE = 1;
const UNKNOWN_EPOCH = -1;
const CLOSE_TIMEOUT_MS = 5_000;

export interface FetcherOptions {
  readonly client: ClientOptions;
  /** The topic's name on the broker. */
  readonly topic: string;
  /** Takes what was fetched at `from`; resolves with the offset to go on with, `from` if nothing was taken. Must not reject. */
  readonly onFetched: (partition: FetchResponsePartition, from: number) => number | Promise<number>;
  readonly onError: (error: unknown, attempts: number) => void;
}

interface Leaders {
  readonly topicId: string;
  readonly nodeOf: readonly number[];
}

/**
 * Fetches the partitions it is told to, from where it is told to, one request at a time from each of their leaders. The library's own stream is
 * left aside: it makes a message object with closures of each record, knows no pause of one partition, and takes the producer's clock for the
 * broker's. A client of its own, since a fetch that waits for data would hold up commits on the same connection.
 */
export class Fetcher {
  private readonly consumer: Consumer;
  private readonly positions = new Map<number, number>();
  private readonly paused = new Set<number>();
  private readonly busy = new Set<number>();
  private readonly abort = new AbortController();
  private leaders: Leaders | undefined;
  private isLookingUp = false;
  private failures = 0;

  constructor(private readonly options: FetcherOptions) {
    const { Consumer } = library();
    this.consumer = new Consumer({ ...options.client, groupId: 'none', autocommit: false });
    this.consumer.topics.track(options.topic);
  }

  /** From now on these partitions and no others, from these offsets; none is paused. */
  assign(positions: ReadonlyMap<number, number>): void {
    this.positions.clear();
    this.paused.clear();
    for (const [partition, offset] of positions) this.positions.set(partition, offset);
    this.fetchWhatIsWanted();
  }

  position(partition: number): number | undefined {
    return this.positions.get(partition);
  }

  pause(partition: number): void {
    this.paused.add(partition);
  }

  resume(partition: number): void {
    if (this.paused.delete(partition)) this.fetchWhatIsWanted();
  }

  /** Nothing is handed over any more. Never rejects. */
  async close(): Promise<void> {
    this.abort.abort();
    this.positions.clear();
    await withDeadline(this.consumer.close(true), CLOSE_TIMEOUT_MS);
  }

  /** Asks every leader that is not being asked already and leads a partition that wants messages. */
  private fetchWhatIsWanted(): void {
    if (this.abort.signal.aborted || this.positions.size === 0) return;
    const { leaders } = this;
    if (!this.knowsLeaders) void this.lookUpLeaders();
    if (leaders === undefined) return;
    for (const node of new Set(leaders.nodeOf)) {
      if (this.busy.has(node)) continue;
      const wanted = Array.from(this.positions).filter(([partition]) => leaders.nodeOf[partition] === node && !this.paused.has(partition));
      if (wanted.length > 0) void this.fetchFrom(node, leaders.topicId, new Map(wanted));
    }
  }

  private async fetchFrom(node: number, topicId: string, wanted: ReadonlyMap<number, number>): Promise<void> {
    this.busy.add(node);
    try {
      const partitions = Array.from(wanted, ([partition, offset]) => ({
        partition,
        fetchOffset: BigInt(offset),
        currentLeaderEpoch: UNKNOWN_EPOCH,
        lastFetchedEpoch: UNKNOWN_EPOCH,
        partitionMaxBytes: PARTITION_MAX_BYTES,
      }));
      const response = await this.consumer.fetch({ node, maxWaitTime: MAX_WAIT_MS, minBytes: 1, maxBytes: MAX_BYTES, topics: [{ topicId, partitions }] });
      this.failures = 0;
      await this.handOver(response, wanted);
    } catch (error) {
      await this.recover(error);
    }
    this.busy.delete(node);
    this.fetchWhatIsWanted();
  }

  private async handOver(response: FetchResponse, wanted: ReadonlyMap<number, number>): Promise<void> {
    for (const { partitions } of response.responses) {
      for (const partition of partitions) {
        const { partitionIndex } = partition;
        const from = this.positions.get(partitionIndex);
        // Meanwhile it may have been taken away or assigned anew, elsewhere.
        if (from === undefined || from !== wanted.get(partitionIndex)) continue;
        const taken = this.options.onFetched(partition, from);
        const next = typeof taken === 'number' ? taken : await taken;
        if (this.positions.get(partitionIndex) === from) this.positions.set(partitionIndex, next);
      }
    }
  }

  private async recover(error: unknown): Promise<void> {
    if (this.abort.signal.aborted) return;
    if (this.resetLostPositions(error)) return;
    this.leaders = undefined;
    this.consumer.clearMetadata();
    // The library gives a session up only after the broker has refused it; that is no failure of anything.
    if (isBecause(error, 'FETCH_SESSION_ID_NOT_FOUND', 'INVALID_FETCH_SESSION_EPOCH', 'FETCH_SESSION_TOPIC_ID_ERROR')) return;
    this.failures += 1;
    this.options.onError(error, this.failures);
    await pauseFor(backoffMs(this.failures, Math.random()), this.abort.signal);
  }

  /** What a topic does not hold any more, or never held: from its beginning, as for a group that has committed nothing. */
  private resetLostPositions(error: unknown): boolean {
    let isReset = false;
    for (const { partitions } of responseOf(error)?.responses ?? []) {
      for (const { partitionIndex, errorCode, logStartOffset } of partitions) {
        if (errorCode !== OFFSET_OUT_OF_RANGE || !this.positions.has(partitionIndex)) continue;
        this.positions.set(partitionIndex, Math.max(0, Number(logStartOffset)));
        isReset = true;
      }
    }
    return isReset;
  }

  /** Whether it is known whom to ask for every partition; a topic may have got more of them since it was looked up. */
  private get knowsLeaders(): boolean {
    const nodeOf = this.leaders?.nodeOf;
    return nodeOf !== undefined && Array.from(this.positions.keys()).every((partition) => nodeOf[partition] !== undefined);
  }

  private async lookUpLeaders(): Promise<void> {
    if (this.isLookingUp) return;
    this.isLookingUp = true;
    const { topic } = this.options;
    const { signal } = this.abort;
    for (let attempts = 1; !this.knowsLeaders && !signal.aborted; attempts += 1) {
      try {
        const found = (await this.consumer.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)!;
        this.leaders = { topicId: found.id, nodeOf: found.partitions.map(({ leader }) => leader) };
        this.fetchWhatIsWanted();
        // The broker that was asked may hear of new partitions later than the one that assigned them.
        if (!this.knowsLeaders) await pauseFor(backoffMs(attempts, Math.random()), signal);
      } catch (error) {
        await this.recover(error);
      }
    }
    this.isLookingUp = false;
  }
}
