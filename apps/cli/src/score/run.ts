import type { Bus } from '@throughline/bus/client';
import { ContractError, encodeEvent, type PredictionRejected, type PredictionScored } from '@throughline/contracts';
import { ofRejected, ofScored, TallyKeeper, type RowAnswer } from '../domain/score/answers.js';
import type { ColumnPlan } from '../domain/score/column-plan.js';
import { requestOfRow, textOf, type RequestOptions } from '../domain/score/request-row.js';
import type { InputRow } from '../domain/score/rows.js';
import { ReorderWindow } from '../domain/score/window.js';
import type { RowSource } from './input/source.js';
import type { Checkpoint, JobFolder, Mark } from './job-folder.js';
import { endsOf, REJECTED, REQUESTS, SCORED, startOf } from './topics.js';

/** Rows that may be ahead of the first one without an answer. */
const WINDOW_ROWS = 20_000;
/** Answers that came too early may take so much; then nothing more is sent until they are less. */
const HELD_CHARACTERS_MAX = 32 * 1024 * 1024;
const SEND_ROWS = 500;
const SEND_CHARACTERS = 1024 * 1024;
/** What a broker takes in one message, with room for key and headers. */
const REQUEST_MAX_BYTES = 850 * 1024;
const MARK_ROWS = 5000;
const CHECKPOINT_MS = 500;

export interface RunOptions {
  readonly bus: Bus;
  readonly folder: JobFolder;
  readonly source: RowSource;
  readonly plan: ColumnPlan;
  readonly request: RequestOptions;
  /** CloudEvents source of the requests. */
  readonly eventSource: string;
  readonly checkpoint: Checkpoint;
  /** Ids of requests that an earlier run has sent since the checkpoint's mark. */
  readonly sentBefore: Set<string>;
  readonly signal: AbortSignal;
}

/** An answer and its line in the job's folder. */
interface Line {
  readonly answer: RowAnswer;
  readonly json: string;
}

type Outgoing = { readonly topic: typeof REQUESTS; readonly key: string; readonly value: string; readonly headers: Record<string, string> };

/** Sends the rows of a job that have not been sent, collects the answers of all, and writes them in order into the job's folder. */
export class JobRun {
  private readonly window: ReorderWindow<Line>;
  private readonly tally: TallyKeeper;
  /** Rows that wait for their answer, by the id of their request. */
  private readonly pending = new Map<string, number>();
  /** Answers to requests of an earlier run whose rows have not been read again yet. */
  private readonly early = new Map<string, RowAnswer>();
  private marks: Mark[];
  private outgoing: Outgoing[] = [];
  private outgoingCharacters = 0;
  private wake: () => void = () => undefined;
  private failure: Error | undefined;
  private answeredAtMs = Date.now();

  constructor(private readonly options: RunOptions) {
    const { checkpoint } = options;
    this.window = new ReorderWindow(checkpoint.released);
    this.tally = new TallyKeeper(checkpoint.tally);
    this.marks = [checkpoint.mark];
  }

  /** Rows whose answers are in the folder. */
  get released(): number {
    return this.window.next;
  }

  /** Rows that have been asked for and have no answer. */
  get waiting(): number {
    return this.pending.size;
  }

  /** Milliseconds since the last answer. */
  silentForMs(nowMs: number): number {
    return nowMs - this.answeredAtMs;
  }

  get tallied(): Checkpoint['tally'] {
    return this.tally.tally;
  }

  /** Resolves when every row has its answer, or the signal is aborted. */
  async run(): Promise<void> {
    const { bus, checkpoint, signal, source } = this.options;
    signal.addEventListener('abort', () => this.wake());
    void bus.dead.then((error) => this.fail(new ContractError('unavailable', `Kafka is out of reach: ${error.message}`, { cause: error })));
    const follows = await Promise.all([
      bus.follow({ topic: SCORED, from: startOf(checkpoint.mark, SCORED), onEvent: (event) => this.guarded(() => this.collect(event.data, () => ofScored(event.data))) }),
      bus.follow({ topic: REJECTED, from: startOf(checkpoint.mark, REJECTED), onEvent: (event) => this.guarded(() => this.collect(event.data, () => ofRejected(event.data))) }),
    ]);
    const timer = setInterval(() => this.guarded(() => this.save()), CHECKPOINT_MS);
    try {
      await this.send();
      await this.until(() => this.window.next >= source.rowCount);
    } finally {
      clearInterval(timer);
      await Promise.all(follows.map((follow) => follow.stop()));
      this.save();
    }
  }

  private async send(): Promise<void> {
    const { source, plan, signal } = this.options;
    let row = 0;
    for await (const block of source.rows(plan.needed)) {
      for (const input of block) {
        await this.take(row, input);
        if (this.failure !== undefined) throw this.failure;
        if (signal.aborted) return;
        row += 1;
      }
    }
    await this.flush();
    // Whoever is unknown from here on is a copy of an answer that counts already.
    this.options.sentBefore.clear();
    this.early.clear();
  }

  private async take(row: number, input: InputRow): Promise<void> {
    const { plan, sentBefore } = this.options;
    if (row >= this.window.next && !this.hasRoomFor(row)) await this.makeRoomFor(row);
    if (input.cells === undefined) return this.settle(row, rejectedRow(new ContractError(input.code, input.reason, { cure: 'Correct the row in the file.' })));
    const id = plan.id === undefined ? String(row + 1) : (textOf(input.cells[plan.id]) ?? String(row + 1));
    if (row < this.window.next) return this.forget(id);
    const message = this.messageOf(input.cells, id);
    if (!('topic' in message)) return this.settle(row, message);
    this.pending.set(id, row);
    if (sentBefore.delete(id)) {
      const answer = this.early.get(id);
      this.early.delete(id);
      return answer === undefined ? undefined : this.answer(id, answer);
    }
    this.outgoing.push(message);
    this.outgoingCharacters += message.value.length;
    if (this.outgoing.length < SEND_ROWS && this.outgoingCharacters < SEND_CHARACTERS) return;
    await this.flush();
    if (row + 1 - this.marks.at(-1)!.row >= MARK_ROWS) this.marks.push({ ends: await endsOf(this.options.bus.admin), row: row + 1 });
  }

  private forget(id: string): void {
    this.options.sentBefore.delete(id);
    this.early.delete(id);
  }

  private hasRoomFor(row: number): boolean {
    return row < this.window.next + WINDOW_ROWS && this.window.heldSize < HELD_CHARACTERS_MAX;
  }

  /** Room for many: to wait for room for one would send one at a time. */
  private async makeRoomFor(row: number): Promise<void> {
    await this.flush();
    await this.until(() => this.hasRoomFor(row + SEND_ROWS));
  }

  private messageOf(cells: readonly unknown[], id: string): Outgoing | RowAnswer {
    const { plan, request, eventSource: source } = this.options;
    try {
      const data = requestOfRow(cells, plan, request);
      const encoded = encodeEvent(REQUESTS, { id, source, timeMs: Date.now(), data });
      const sizeBytes = encoded.value.length > REQUEST_MAX_BYTES / 4 ? Buffer.byteLength(encoded.value) : 0;
      if (sizeBytes > REQUEST_MAX_BYTES) throw new ContractError('message_too_large', `the request would have ${sizeBytes} bytes, more than the ${REQUEST_MAX_BYTES} of a message`);
      return { topic: REQUESTS, key: data.routingKey ?? id, ...encoded };
    } catch (error) {
      if (error instanceof ContractError) return rejectedRow(error);
      throw error;
    }
  }

  /** Resolves when the brokers have them. One send at a time: after a failure nothing later has overtaken. */
  private async flush(): Promise<void> {
    if (this.outgoing.length === 0) return;
    const messages = this.outgoing;
    this.outgoing = [];
    this.outgoingCharacters = 0;
    await this.options.bus.producer.sendAll(messages);
  }

  private collect(data: PredictionScored | PredictionRejected, answer: () => RowAnswer): void {
    if (data.requestSource !== this.options.eventSource) return;
    this.answeredAtMs = Date.now();
    if (this.pending.has(data.requestId)) this.answer(data.requestId, answer());
    else if (this.options.sentBefore.has(data.requestId) && !this.early.has(data.requestId)) this.early.set(data.requestId, answer());
  }

  private answer(id: string, answer: RowAnswer): void {
    const row = this.pending.get(id)!;
    this.pending.delete(id);
    this.settle(row, answer);
  }

  private settle(row: number, answer: RowAnswer): void {
    const json = JSON.stringify(answer);
    const released = this.window.settle(row, { answer, json }, json.length);
    for (const line of released) {
      this.tally.count(line.answer);
      this.options.folder.append(line.json);
    }
    if (released.length > 0) this.wake();
  }

  private save(): void {
    while (this.marks.length > 1 && this.marks[1]!.row <= this.window.next) this.marks.shift();
    this.options.folder.saveCheckpoint(this.window.next, this.tally.tally, this.marks[0]!);
  }

  /** A follower passes over what it fails on, and nobody hears a timer: a full disk must end the job all the same. */
  private guarded(work: () => void): void {
    if (this.failure !== undefined) return;
    try {
      work();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.wake();
  }

  /** Looks again whenever a row was released. */
  private async until(isReached: () => boolean): Promise<void> {
    for (;;) {
      if (this.failure !== undefined) throw this.failure;
      if (this.options.signal.aborted || isReached()) return;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

const rejectedRow = ({ code, message: reason, cure }: ContractError): RowAnswer => ({ rejected: { code, reason, cure } });
