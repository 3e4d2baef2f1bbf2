import type { BusProducer, Names } from '@throughline/bus';
import type { TraceContext } from '@throughline/telemetry';
import { FlightFeatures } from '../domain/flight-features.js';
import { featureMessages, outcomeMessage, predictionIdOf, requestMessage, type Message } from '../domain/flight-messages.js';
import type { ReplayBooks } from '../domain/replay-books.js';
import { SkewMeter } from '../domain/skew.js';
import { readFlights, replayEvents, type FlightEvent } from '../flights/index.js';
import { headerOf, recordSend, traceOf } from './tracing.js';

export interface ReplayRange {
  /** Events before `startMs` are read from here on, for what they tell of the airports. */
  readonly readFromMs: number;
  /** Events from here on are published. */
  readonly startMs: number;
  /** Departures before this instant. */
  readonly toMs: number;
  /** Flights that left before this were never asked about, and have no outcome to tell. */
  readonly firstRequestMs: number;
}

interface Sampled {
  readonly trace: TraceContext;
  readonly message: Message;
  readonly predictionId: string;
}

/** The flights of a range, published in the order of event time; beside it the exact features are computed, to compare with. */
export class FlightReplay {
  readonly skew: SkewMeter;
  private readonly features = new FlightFeatures();
  private readonly events: AsyncGenerator<FlightEvent>;
  private next: FlightEvent | undefined;
  private isExhausted = false;

  constructor(
    private readonly range: ReplayRange,
    private readonly producer: Pick<BusProducer, 'sendAll'>,
    private readonly books: ReplayBooks,
    private readonly names: Pick<Names, 'topic'>,
  ) {
    this.skew = new SkewMeter(this.features);
    this.events = replayEvents(readFlights({ from: range.readFromMs, to: range.toMs }));
  }

  /** True when the last event has been published. */
  get hasEnded(): boolean {
    return this.isExhausted;
  }

  /**
   * Reads what happened before the start.
   *
   * @param publish whether the feature store must still be told of it
   * @param onProgress told the share of the time that is done, from 0 to 1
   * @returns how many events were published
   */
  async warmUp(publish: boolean, onProgress: (share: number) => void): Promise<number> {
    const { readFromMs, startMs } = this.range;
    let published = 0;
    for (let untilMs = readFromMs; untilMs < startMs; ) {
      untilMs = Math.min(startMs, untilMs + WARM_UP_STEP_MS);
      const messages: Message[] = [];
      for await (const event of this.until(untilMs)) {
        if (publish) messages.push(...featureMessages(event));
        this.observe(event);
      }
      await this.producer.sendAll(messages);
      published += messages.length;
      onProgress((untilMs - readFromMs) / (startMs - readFromMs));
    }
    return published;
  }

  /** Publishes everything before an instant of event time; resolves when the brokers have acknowledged all of it. */
  async publishUntil(untilMs: number): Promise<void> {
    const messages: Message[] = [];
    const sampled: Sampled[] = [];
    for await (const event of this.until(untilMs)) {
      const { message, trace, predictionId } = event.kind === 'departure' ? this.request(event) : this.outcome(event);
      if (message !== undefined) messages.push(message);
      if (message !== undefined && trace.sampled) sampled.push({ trace, message, predictionId });
      // After the request: a flight's own departure is not among what was known when it left.
      messages.push(...featureMessages(event));
      this.observe(event);
    }
    if (messages.length === 0) return;
    const startMs = Date.now();
    await this.producer.sendAll(messages);
    for (const { trace, message, predictionId } of sampled) recordSend(trace, this.names.topic(message.topic), predictionId, { startMs, endMs: Date.now() });
  }

  private request({ flight }: FlightEvent) {
    const predictionId = predictionIdOf(flight);
    const trace = traceOf(predictionId);
    this.books.requested(predictionId, flight, this.features.at(flight));
    return { message: requestMessage(flight, headerOf(trace)), trace, predictionId };
  }

  private outcome({ flight }: FlightEvent) {
    const { firstRequestMs, startMs } = this.range;
    const predictionId = predictionIdOf(flight);
    const trace = traceOf(predictionId);
    if (flight.departedMs < firstRequestMs) return { message: undefined, trace, predictionId };
    this.books.outcomeSent(predictionId, flight, flight.departedMs < startMs);
    return { message: outcomeMessage(flight, headerOf(trace)), trace, predictionId };
  }

  private observe(event: FlightEvent): void {
    this.features.observe(event);
    this.skew.observed(event);
  }

  private async *until(untilMs: number): AsyncGenerator<FlightEvent> {
    while (!this.isExhausted) {
      this.next ??= await this.read();
      if (this.next === undefined || this.next.atMs >= untilMs) return;
      yield this.next;
      this.next = undefined;
    }
  }

  private async read(): Promise<FlightEvent | undefined> {
    const { value, done } = await this.events.next();
    this.isExhausted = done === true;
    return done === true ? undefined : value;
  }
}

const WARM_UP_STEP_MS = 30 * 60_000;
