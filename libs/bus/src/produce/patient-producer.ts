import { ContractError } from '@throughline/contracts';
import { METRICS, observableGauge } from '@throughline/telemetry';
import { backoffMs, pauseFor } from '../consume/backoff.js';
import { addPerTopic, busMetrics } from '../metrics.js';
import type { BusProducer, OutgoingMessage } from '../port.js';
import type { BusLogger } from '../settings.js';
import { MicroBatcher } from './micro-batcher.js';

/** A broker that restarts is back within this time; longer outages are `unavailable`, and the caller decides. */
const DEFAULT_PATIENCE_MS = 30_000;
const PATIENCE_AT_SHUTDOWN_MS = 5_000;

/** How a client library sends. */
export interface ProducerClient {
  /** Resolves when all in-sync replicas have all messages; rejects after a short time. What is repeated may arrive twice, in order. */
  send(messages: readonly OutgoingMessage[]): Promise<void>;
  /** Whether the broker refused a message for its size: no patience makes it smaller. */
  isTooLarge(error: unknown): boolean;
  disconnect(): Promise<void>;
}

export interface PatientProducerOptions {
  readonly client: ProducerClient;
  readonly logger: BusLogger;
  readonly patienceMs?: number | undefined;
}

/** The producer of the port over whichever client: batches, patience with brokers that restart, metrics. */
export class PatientProducer implements BusProducer {
  private readonly batcher: MicroBatcher;
  private readonly stopObserving: (() => void)[];
  private readonly closing = new AbortController();

  constructor(private readonly options: PatientProducerOptions) {
    this.batcher = new MicroBatcher({ sendBatch: (messages) => this.sendPatiently(messages) });
    this.stopObserving = [
      observableGauge(METRICS.producerPendingMessages, () => this.pending.messages),
      observableGauge(METRICS.producerPendingBytes, () => this.pending.bytes),
    ];
  }

  get pending(): { messages: number; bytes: number } {
    return this.batcher.pending;
  }

  send(message: OutgoingMessage): Promise<void> {
    return this.batcher.send(message);
  }

  sendAll(messages: readonly OutgoingMessage[]): Promise<void> {
    return this.batcher.sendAll(messages);
  }

  flush(): Promise<void> {
    return this.batcher.flush();
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.batcher.flush();
    for (const stop of this.stopObserving) stop();
    await this.options.client.disconnect();
  }

  private async sendPatiently(messages: readonly OutgoingMessage[]): Promise<void> {
    const { client, logger, patienceMs = DEFAULT_PATIENCE_MS } = this.options;
    const startedMs = performance.now();
    for (let attempts = 1; ; attempts += 1) {
      try {
        await client.send(messages);
        busMetrics.produceSeconds.record((performance.now() - startedMs) / 1_000);
        addPerTopic(busMetrics.produced, messages);
        return;
      } catch (error) {
        const isTooLarge = client.isTooLarge(error);
        const isFinal = isTooLarge || performance.now() - startedMs > (this.closing.signal.aborted ? PATIENCE_AT_SHUTDOWN_MS : patienceMs);
        logger.warn({ messages: messages.length, attempts, reason: (error as Error).message, again: !isFinal }, 'the brokers did not acknowledge a batch');
        if (isFinal) throw this.givenUp(messages, isTooLarge, error);
        await pauseFor(backoffMs(attempts, Math.random()), this.closing.signal);
      }
    }
  }

  private givenUp(messages: readonly OutgoingMessage[], isTooLarge: boolean, error: unknown): ContractError {
    addPerTopic(busMetrics.produceFailures, messages);
    const reason = `Kafka did not acknowledge ${messages.length} messages: ${(error as Error).message}`;
    return new ContractError(isTooLarge ? 'message_too_large' : 'unavailable', reason, { cause: error });
  }
}
