import { ReadProgress, type Reader, type ReaderOptions } from '../consume/reader.js';
import type { MemoryBroker } from './broker.js';

/** Reads a topic of the broker in memory. */
export class MemoryReader implements Reader {
  private readonly progress = new ReadProgress();
  private stopListening = (): void => {};
  private reading: Promise<void> = Promise.resolve();
  private isStopped = false;

  constructor(
    private readonly options: ReaderOptions,
    private readonly broker: MemoryBroker,
  ) {}

  async start(): Promise<void> {
    const { topic, from } = this.options;
    this.progress.begin(
      this.broker.log(topic).map(({ length }, partition) => ({ partition, low: 0n, high: BigInt(length) })),
      from,
    );
    const readSoon = (): void => {
      this.reading = this.reading.then(() => this.read());
    };
    this.stopListening = this.broker.listen(topic, readSoon);
    readSoon();
  }

  get caughtUp(): Promise<void> {
    return this.progress.caughtUp;
  }

  get lag(): number {
    return this.progress.lag;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.stopListening();
    await this.reading;
  }

  private async read(): Promise<void> {
    for (const [partition, log] of this.broker.log(this.options.topic).entries()) {
      const next = this.progress.next(partition);
      const messages = log.slice(next);
      if (messages.length > 0 && !this.isStopped) await this.options.onMessages(messages);
      this.progress.moved(partition, next + messages.length, log.length);
    }
  }
}
