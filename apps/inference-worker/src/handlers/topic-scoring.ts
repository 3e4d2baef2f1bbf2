import type { EventBatch } from '@throughline/bus';
import { ContractError, toContractError } from '@throughline/contracts';
import type { Answer } from '../domain/answer.js';
import { KeyOrder } from '../domain/key-order.js';
import { reject } from '../domain/rejection.js';
import { candidateOfEvent, candidateOfUndecodable, LANE_OF, type Candidate, type RequestTopic } from '../domain/scoring-request.js';
import type { ScoringPipeline } from '../scoring/pipeline.js';
import { OrderedPublisher } from '../scoring/ordered-publisher.js';
import type { AnswerRecorder } from '../scoring/recorder.js';
import { rowOf, type Row, type Ticket } from '../scoring/rows.js';
import type { ShadowScorer } from '../scoring/shadow-scorer.js';
import type { ModelFleet } from '../serving/model-fleet.js';
import { LANES } from './lanes.js';

export interface TopicScoringOptions {
  readonly fleet: Pick<ModelFleet, 'settled'>;
  readonly pipeline: ScoringPipeline;
  readonly recorder: AnswerRecorder;
  readonly shadows: ShadowScorer;
  /** Keeps good answers for when the model cannot give any. */
  readonly fallbacks: { remember(answers: readonly Answer[]): void };
}

/** What the handlers of all request topics do with a batch; resolves when every answer is acknowledged, and those of shadows are or have failed. */
export class TopicScoring {
  private readonly orders = new Map<string, KeyOrder<Row>>();
  private readonly publisher: OrderedPublisher;

  constructor(private readonly options: TopicScoringOptions) {
    this.publisher = new OrderedPublisher((encoded) => options.recorder.publish(encoded));
  }

  async answer<T extends RequestTopic>(batch: EventBatch<T>): Promise<void> {
    const candidates: Candidate[] = batch.events.map(candidateOfEvent);
    for (const message of batch.undecodable) {
      candidates.push(candidateOfUndecodable(message, LANE_OF[batch.topic]));
      batch.deadLetter(message, message.code, message.reason);
    }
    try {
      await this.pass(batch, candidates);
    } catch (thrown) {
      const [alone, ...others] = candidates;
      // Of a larger batch the bus tries the halves, until the message that we fail on stands alone; it is answered, too.
      if (alone === undefined || others.length > 0 || thrown instanceof ContractError) throw thrown;
      const { message } = toContractError(thrown);
      for (const event of batch.events) batch.deadLetter(event, 'poison', message);
      await this.pass(batch, [{ request: alone.request, rejection: reject('poison', message) }]);
    }
  }

  /** Rows overtake one another on their way, but never one of the same key: each is published when those of its key before it have been. */
  private async pass<T extends RequestTopic>(batch: EventBatch<T>, candidates: readonly Candidate[]): Promise<void> {
    if (candidates.length === 0) return;
    const { pipeline } = this.options;
    const pickUp = pipeline.pickUp();
    const { topic } = (batch.events[0] ?? batch.undecodable[0])!.message;
    const order = this.orderOf(topic);
    const ticket = new BatchTicket(candidates.length, batch.signal);
    const ownTopic = topic === batch.topic ? undefined : topic;
    const rows: Row[] = new Array(candidates.length);
    for (let at = 0; at < rows.length; at++) {
      const row = rowOf(candidates[at]!, pickUp, ownTopic);
      row.ticket = ticket;
      order.enter(row);
      rows[at] = row;
    }
    try {
      const begin = (part: readonly Row[]): Promise<void> => pipeline.begin(part, LANES[batch.topic].band, (done) => this.publish(order.done(done)));
      await Promise.all([...this.whenSettled(rows, batch.signal)].map(([settled, part]) => (settled === undefined ? begin(part) : settled.then(() => begin(part)))));
      await ticket.settled;
    } catch (thrown) {
      const left = rows.filter(({ isDone }) => !isDone);
      for (const row of left) row.isWithdrawn = true;
      this.publish(order.done(left));
      throw thrown;
    }
  }

  /** Rows whose model is about to get its first champion wait for it; nobody waits for the model of another. */
  private whenSettled(rows: readonly Row[], signal: AbortSignal): Map<Promise<void> | undefined, Row[]> {
    const parts = new Map<Promise<void> | undefined, Row[]>();
    const waits = new Map<string, Promise<void> | undefined>();
    for (const row of rows) {
      const { model } = row.request;
      if (model !== undefined && !waits.has(model)) waits.set(model, this.options.fleet.settled(model, signal));
      const wait = model === undefined ? undefined : waits.get(model);
      const part = parts.get(wait);
      if (part === undefined) parts.set(wait, [row]);
      else part.push(row);
    }
    return parts;
  }

  private publish(released: readonly Row[]): void {
    const rows = released.filter(({ isWithdrawn }) => !isWithdrawn);
    if (rows.length === 0) return;
    this.record(rows).then(
      () => settle(rows),
      (thrown: unknown) => settle(rows, thrown),
    );
  }

  private async record(rows: readonly Row[]): Promise<void> {
    const { pipeline, recorder, fallbacks, shadows } = this.options;
    const encoded = recorder.encode(pipeline.answers(rows));
    const { answers } = encoded;
    await this.publisher.send(encoded, () => rows.some(({ ticket }) => ticket?.signal.aborted === false));
    fallbacks.remember(answers);
    await shadows.shadow(answers);
  }

  private orderOf(topic: string): KeyOrder<Row> {
    let order = this.orders.get(topic);
    if (order === undefined) {
      order = new KeyOrder();
      this.orders.set(topic, order);
    }
    return order;
  }
}

function settle(rows: readonly Row[], error?: unknown): void {
  for (const { ticket } of rows) ticket?.settle(error);
}

class BatchTicket implements Ticket {
  readonly settled: Promise<void>;
  private readonly resolve: () => void;
  private readonly reject: (reason: unknown) => void;

  constructor(private open: number, readonly signal: AbortSignal) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.settled = promise;
    this.resolve = resolve;
    this.reject = reject;
    // Whoever gave up waiting has said why already.
    promise.catch(() => undefined);
  }

  settle(error?: unknown): void {
    if (error !== undefined) this.reject(error);
    this.open--;
    if (this.open === 0) this.resolve();
  }
}
