import { ContractError } from '@throughline/contracts';
import type { BusProducer, OutgoingMessage } from '../port.js';

export interface MicroBatcherOptions {
  /** Resolves when the brokers have acknowledged all; rejects after its own bounded retries. */
  readonly sendBatch: (messages: readonly OutgoingMessage[]) => Promise<void>;
  readonly maxBatchMessages?: number;
  /** A broker refuses a batch above 1 MiB; half of it leaves room for framing and foreign limits. */
  readonly maxBatchBytes?: number;
  /** What one message may measure, alone in its batch. */
  readonly maxMessageBytes?: number;
  readonly maxPendingMessages?: number;
  readonly maxPendingBytes?: number;
}

/** One call: settled when its last message is. */
interface Call {
  readonly messages: readonly OutgoingMessage[];
  readonly sizes: readonly number[];
  readonly bytes: number;
  /** Messages not yet put into a batch start here. */
  next: number;
  /** The first of its messages that a broker does not take. */
  refusal?: unknown;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Batch {
  readonly messages: OutgoingMessage[];
  /** Whose they are, in their order, and how many of each. */
  readonly shares: { readonly call: Call; readonly count: number }[];
}

/** Bytes a record needs beside key, value and headers, at most. */
const RECORD_OVERHEAD_BYTES = 40;

/**
 * Sends through one batch in flight: idle, a message leaves at once; otherwise what gathers while one is in flight is the next batch.
 * Keeps the order of the calls. Bounded in count and bytes; beyond the bound calls wait.
 */
export class MicroBatcher implements Omit<BusProducer, 'close'> {
  private readonly accepted: Call[] = [];
  private readonly waiting: Call[] = [];
  private isSending = false;
  private pendingMessages = 0;
  private pendingBytes = 0;
  private flushWaiters: (() => void)[] = [];
  private readonly limits: Required<Omit<MicroBatcherOptions, 'sendBatch'>>;

  constructor(private readonly options: MicroBatcherOptions) {
    this.limits = {
      maxBatchMessages: 2_000,
      maxBatchBytes: 512 * 1024,
      maxMessageBytes: 900 * 1024,
      maxPendingMessages: 50_000,
      maxPendingBytes: 64 * 1024 * 1024,
      ...options,
    };
  }

  get pending(): { messages: number; bytes: number } {
    return { messages: this.pendingMessages, bytes: this.pendingBytes };
  }

  send(message: OutgoingMessage): Promise<void> {
    return this.sendAll([message]);
  }

  sendAll(messages: readonly OutgoingMessage[]): Promise<void> {
    if (messages.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const sizes = messages.map(sizeBytes);
      const tooLarge = sizes.findIndex((size) => size > this.limits.maxMessageBytes);
      if (tooLarge !== -1) {
        reject(
          new ContractError(
            'message_too_large',
            `a message to ${messages[tooLarge]!.topic} has ${sizes[tooLarge]} bytes, more than the ${this.limits.maxMessageBytes} a broker takes`,
          ),
        );
        return;
      }
      const bytes = sizes.reduce((sum, size) => sum + size, 0);
      this.waiting.push({ messages, sizes, bytes, next: 0, resolve, reject });
      this.admit();
      this.pump();
    });
  }

  flush(): Promise<void> {
    if (this.pendingMessages === 0 && this.waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.flushWaiters.push(resolve));
  }

  /** A call enters as a whole, so the bound may be exceeded by the one that crosses it. */
  private admit(): void {
    let admitted = 0;
    for (const call of this.waiting) {
      if (this.pendingMessages >= this.limits.maxPendingMessages || this.pendingBytes >= this.limits.maxPendingBytes) break;
      this.accepted.push(call);
      this.pendingMessages += call.messages.length;
      this.pendingBytes += call.bytes;
      admitted += 1;
    }
    this.waiting.splice(0, admitted);
  }

  private pump(): void {
    if (this.isSending || this.accepted.length === 0) return;
    this.isSending = true;
    void this.sendNext();
  }

  private async sendNext(): Promise<void> {
    const { messages, shares } = this.takeBatch();
    try {
      await this.sendOrSplit(messages, (refused, error) => {
        callAt(shares, refused).refusal ??= error;
      });
      for (const { call } of shares)
        if (call.next === call.messages.length) this.settle(call, () => (call.refusal === undefined ? call.resolve() : call.reject(call.refusal)));
    } catch (error) {
      this.failAll(error, shares);
    }
    this.isSending = false;
    this.admit();
    this.pump();
    if (this.pendingMessages === 0 && this.waiting.length === 0) for (const resolve of this.flushWaiters.splice(0)) resolve();
  }

  /**
   * A broker may take less than we think: then its halves, until what it refuses stands alone. To fail all that was in the batch would make
   * dead letters of messages that only happened to travel together.
   */
  private async sendOrSplit(messages: readonly OutgoingMessage[], onRefused: (index: number, error: unknown) => void, first = 0): Promise<void> {
    try {
      await this.options.sendBatch(messages);
    } catch (error) {
      if (!(error instanceof ContractError) || error.code !== 'message_too_large') throw error;
      if (messages.length === 1) {
        onRefused(first, error);
        return;
      }
      const middle = Math.ceil(messages.length / 2);
      await this.sendOrSplit(messages.slice(0, middle), onRefused, first);
      await this.sendOrSplit(messages.slice(middle), onRefused, first + middle);
    }
  }

  private takeBatch(): Batch {
    const messages: OutgoingMessage[] = [];
    const shares: Batch['shares'] = [];
    let bytes = 0;
    let emptied = 0;
    for (const call of this.accepted) {
      const before = call.next;
      while (
        call.next < call.messages.length &&
        messages.length < this.limits.maxBatchMessages &&
        (messages.length === 0 || bytes + call.sizes[call.next]! <= this.limits.maxBatchBytes)
      ) {
        messages.push(call.messages[call.next]!);
        bytes += call.sizes[call.next]!;
        call.next += 1;
      }
      if (call.next > before) shares.push({ call, count: call.next - before });
      if (call.next < call.messages.length) break;
      emptied += 1;
    }
    // Once a batch: to shift one call after the other moves all the others each time.
    this.accepted.splice(0, emptied);
    return { messages, shares };
  }

  /** Everything behind a failed batch fails with it: to send it would let it overtake what its caller sends again. */
  private failAll(error: unknown, shares: Batch['shares']): void {
    for (const call of new Set([...shares.map(({ call }) => call), ...this.accepted])) this.settle(call, () => call.reject(error));
    this.accepted.length = 0;
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }

  private settle(call: Call, settle: () => void): void {
    this.pendingMessages -= call.messages.length;
    this.pendingBytes -= call.bytes;
    settle();
  }
}

function callAt(shares: Batch['shares'], index: number): Call {
  let rest = index;
  return shares.find(({ count }) => (rest -= count) < 0)!.call;
}

/** Size on the wire, from above. */
export function sizeBytes({ key, value, headers }: OutgoingMessage): number {
  let bytes = RECORD_OVERHEAD_BYTES + Buffer.byteLength(key) + (value === null ? 0 : Buffer.byteLength(value));
  if (headers === undefined) return bytes;
  for (const name in headers) bytes += name.length + Buffer.byteLength(headers[name]!) + 8;
  return bytes;
}
