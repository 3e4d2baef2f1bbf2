import { decodeEvent, type ContractError, type ErrorCode, type Event, type EventTopic, type Undecodable, type WireMessage } from '@throughline/contracts';
import { encodeDeadLetter, encodeDeadLetterWithoutOriginal, REPLAY_GROUP_HEADER, type DeadLetter } from '../dead-letter.js';
import { busMetrics } from '../metrics.js';
import type { BusProducer, EventBatch, Subscription, Unhandled } from '../port.js';
import type { BusLogger } from '../settings.js';
import { topicOf, type AnyTopic } from '../topics.js';
import { backoffMs, pauseFor } from './backoff.js';
import { classify } from './classify.js';

export const DEFAULT_MAX_ATTEMPTS = 5;

export interface BatchRunnerOptions<T extends EventTopic> {
  readonly subscription: Subscription<T>;
  readonly producer: Pick<BusProducer, 'sendAll'>;
  readonly logger: BusLogger;
}

interface Decoded<T extends EventTopic> {
  readonly events: Event<T>[];
  readonly undecodable: Undecodable[];
  readonly unhandled?: readonly Unhandled[];
}

/** Called when an attempt failed and will be repeated: the lane then starts nothing new, so that little overtakes. */
export type OnRetry = () => void;

/**
 * Takes messages of one partition through decoding, handler, retries, isolation of poison and dead letters. `run` resolves with true
 * when every effect is durable, with false when it was given up because the signal was aborted; it never rejects.
 */
export class BatchRunner<T extends EventTopic> {
  private readonly maxAttempts: number;
  private readonly handlesUndecodable: boolean;
  private readonly labels: { readonly topic: AnyTopic; readonly group: string };

  constructor(private readonly options: BatchRunnerOptions<T>) {
    this.maxAttempts = options.subscription.maxAttempts ?? DEFAULT_MAX_ATTEMPTS;
    this.labels = { topic: topicOf(options.subscription), group: options.subscription.group };
    this.handlesUndecodable = options.subscription.undecodable === 'handle';
  }

  async run(messages: readonly WireMessage[], partition: number, signal: AbortSignal, onRetry: OnRetry): Promise<boolean> {
    const { events, undecodable, others } = this.decode(messages);
    const letters: DeadLetter[] = [];
    if (!this.handlesUndecodable) {
      for (const { code, reason, message } of undecodable) letters.push(this.letter(message, code, reason, 1));
      undecodable.length = 0;
    }
    const context = { signal, onRetry, letters, maxAttempts: this.maxAttempts };
    if (!(await this.isolate({ events, undecodable }, partition, context))) return false;
    if (letters.length > 0 && !(await this.bury(letters, signal, onRetry))) return false;
    const unhandled = [...letters.map(({ original, code }) => ({ message: original, code })), ...others.map((message) => ({ message, code: undefined }))];
    return this.tellUnhandled(unhandled, partition, context);
  }

  private async tellUnhandled(unhandled: readonly Unhandled[], partition: number, context: Context): Promise<boolean> {
    if (this.options.subscription.unhandled !== 'tell' || unhandled.length === 0) return true;
    return (await this.attempt({ events: [], undecodable: [], unhandled }, partition, { ...context, letters: [] })) !== 'aborted';
  }

  private decode(messages: readonly WireMessage[]): Decoded<T> & { readonly others: WireMessage[] } {
    const { topic, group } = this.options.subscription;
    const events: Event<T>[] = [];
    const undecodable: Undecodable[] = [];
    const others: WireMessage[] = [];
    for (const message of messages) {
      const replayGroup = message.headers[REPLAY_GROUP_HEADER];
      if (replayGroup !== undefined && replayGroup.toString() !== group) {
        others.push(message);
        continue;
      }
      const decoded = decodeEvent(topic, message);
      if (decoded.ok) events.push(decoded);
      else undecodable.push(decoded);
    }
    return { events, undecodable, others };
  }

  /** Handles `part`; when it fails for good, its halves, until the poison stands alone. */
  private async isolate(part: Decoded<T>, partition: number, context: Context): Promise<boolean> {
    const size = part.events.length + part.undecodable.length;
    if (size === 0) return true;
    const outcome = await this.attempt(part, partition, context);
    if (outcome === 'handled') return true;
    if (outcome === 'aborted') return false;
    if (size === 1) {
      const { message } = (part.events[0] ?? part.undecodable[0])!;
      const code = outcome.error.code === 'internal' ? 'poison' : outcome.error.code;
      context.letters.push(this.letter(message, code, outcome.error.message, outcome.attempts));
      return true;
    }
    // Halves have had their back-off as part of the whole: each gets one more try of its own.
    const narrower = { ...context, maxAttempts: 1 };
    for (const half of halves(part)) if (!(await this.isolate(half, partition, narrower))) return false;
    return true;
  }

  private async attempt(part: Decoded<T>, partition: number, context: Context): Promise<'handled' | 'aborted' | { error: ContractError; attempts: number }> {
    const { subscription, logger } = this.options;
    for (let attempts = 1; ; attempts += 1) {
      if (context.signal.aborted) return 'aborted';
      const letters = new Map<WireMessage, DeadLetter>();
      const startedMs = performance.now();
      try {
        await subscription.handler(this.batch(part, partition, context.signal, letters, attempts));
        busMetrics.handlerSeconds.record((performance.now() - startedMs) / 1_000, this.labels);
        busMetrics.consumed.add(part.events.length + part.undecodable.length, this.labels);
        context.letters.push(...letters.values());
        return 'handled';
      } catch (thrown) {
        const error = classify(thrown);
        const again = error.code === 'unavailable' || (error.retriable && attempts < context.maxAttempts);
        logger.warn(
          {
            ...this.labels,
            partition,
            messages: part.events.length,
            code: error.code,
            reason: error.message,
            attempts,
            again,
            err: again ? undefined : thrown,
          },
          'a batch failed',
        );
        if (!again) return { error, attempts };
        busMetrics.retries.add(1, { ...this.labels, code: error.code });
        context.onRetry();
        await pauseFor(backoffMs(attempts, Math.random()), context.signal);
      }
    }
  }

  private batch(part: Decoded<T>, partition: number, signal: AbortSignal, letters: Map<WireMessage, DeadLetter>, attempts: number): EventBatch<T> {
    return {
      topic: this.options.subscription.topic,
      partition,
      events: part.events,
      undecodable: part.undecodable,
      unhandled: part.unhandled ?? [],
      signal,
      deadLetter: ({ message }, code, reason) => void letters.set(message, this.letter(message, code, reason, attempts)),
    };
  }

  private letter(original: WireMessage, code: ErrorCode, reason: string, attempts: number): DeadLetter {
    return { code, reason, attempts, group: this.options.subscription.group, original };
  }

  /** A dead letter must be acknowledged before its original counts as finished: else a crash would lose both. */
  private async bury(letters: readonly DeadLetter[], signal: AbortSignal, onRetry: OnRetry): Promise<boolean> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        await this.sendLetters(letters);
        this.tellOf(letters);
        return true;
      } catch (thrown) {
        this.options.logger.error(
          { letters: letters.length, attempts, reason: (thrown as Error).message },
          'dead letters could not be written; the originals wait',
        );
        if (signal.aborted) return false;
        onRetry();
        await pauseFor(backoffMs(attempts, Math.random()), signal);
      }
    }
  }

  /** One line a batch, for whoever watches the log; places and codes, never what the messages say. */
  private tellOf(letters: readonly DeadLetter[]): void {
    for (const { code } of letters) busMetrics.deadLetters.add(1, { ...this.labels, code });
    const { partition, offset } = letters[0]!.original;
    const codes = [...new Set(letters.map(({ code }) => code))];
    this.options.logger.warn(
      { ...this.labels, letters: letters.length, codes, firstAt: `${partition}/${offset}` },
      'messages became dead letters: read them with `throughline dead-letters list`',
    );
  }

  /** A letter is larger than its message, which may be as large as brokers take: what cannot be carried must not hold up its partition. */
  private async sendLetters(letters: readonly DeadLetter[]): Promise<void> {
    const { producer } = this.options;
    try {
      await producer.sendAll(letters.map(encodeDeadLetter));
    } catch (thrown) {
      if (classify(thrown).code !== 'message_too_large') throw thrown;
      if (letters.length === 1) await producer.sendAll(letters.map(encodeDeadLetterWithoutOriginal));
      else for (const letter of letters) await this.sendLetters([letter]);
    }
  }
}

interface Context {
  readonly signal: AbortSignal;
  readonly onRetry: OnRetry;
  readonly letters: DeadLetter[];
  readonly maxAttempts: number;
}

/** Events first: what cannot be decoded has no effect whose order could matter. */
function halves<T extends EventTopic>({ events, undecodable }: Decoded<T>): Decoded<T>[] {
  if (events.length > 0 && undecodable.length > 0)
    return [
      { events, undecodable: [] },
      { events: [], undecodable },
    ];
  const middle = Math.ceil((events.length + undecodable.length) / 2);
  return [
    { events: events.slice(0, middle), undecodable: undecodable.slice(0, middle) },
    { events: events.slice(middle), undecodable: undecodable.slice(middle) },
  ];
}
