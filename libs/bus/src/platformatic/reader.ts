import { ReadProgress, type Reader, type ReaderOptions } from '../consume/reader.js';
import type { Names } from '../names.js';
import type { PartitionOffsets } from '../port.js';
import type { BusLogger } from '../settings.js';
import type { ClientOptions, FetchResponsePartition } from './client.js';
import { reasonOf } from './errors.js';
import { Fetcher } from './fetcher.js';
import { messagesOf } from './wire.js';

export interface PlatformaticReaderOptions extends ReaderOptions {
  readonly client: ClientOptions;
  readonly names: Names;
  readonly logger: BusLogger;
  /** Beginnings and ends of the topic's partitions. */
  readonly offsets: () => Promise<readonly PartitionOffsets[]>;
}

/** Reads a topic without any group. */
export class PlatformaticReader implements Reader {
  private readonly fetcher: Fetcher;
  private readonly progress = new ReadProgress();
  private handing: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: PlatformaticReaderOptions) {
    const { client, names, topic, logger } = options;
    this.fetcher = new Fetcher({
      client,
      topic: names.topic(topic),
      onFetched: (partition, from) => this.handOver(partition, from),
      onError: (error, attempts) => logger.warn({ topic, reason: reasonOf(error), attempts }, 'a fetch failed; it is repeated'),
    });
  }

  async start(): Promise<void> {
    this.progress.begin(await this.options.offsets(), this.options.from);
    this.fetcher.assign(new Map(this.progress.partitions.map((partition) => [partition, this.progress.next(partition)])));
  }

  get caughtUp(): Promise<void> {
    return this.progress.caughtUp;
  }

  get lag(): number {
    return this.progress.lag;
  }

  async stop(): Promise<void> {
    await this.fetcher.close();
    await this.handing;
  }

  /** Several leaders answer at the same time; messages are handed over one partition after the other. */
  private handOver(partition: FetchResponsePartition, from: number): Promise<number> {
    const handed = this.handing.then(async () => {
      const { messages, next } = messagesOf(this.options.topic, partition, from);
      if (messages.length > 0) await this.options.onMessages(messages);
      this.progress.moved(partition.partitionIndex, next, Number(partition.highWatermark));
      return next;
    });
    this.handing = handed;
    return handed;
  }
}
