import { toContractError } from '@throughline/contracts';
import { DurationFit } from '../domain/duration-fit.js';
import { ModelQueue, type Band } from '../domain/model-queue.js';
import { reject } from '../domain/rejection.js';
import { pickNext, type Contender } from '../domain/turn.js';
import type { LoadedModel } from '../serving/loaded-model.js';
import type { Clock } from './clock.js';
import type { LiveRow, Row, RowJob } from './rows.js';

/** So long a model whose every row is predicted late goes without a run, before one is tried all the same. */
const PROBE_INTERVAL_MS = 1000;

export interface SchedulerOptions {
  readonly clock: Clock;
  /** Runs rows of one version; each ends with its batch or a rejection. Never rejects. */
  readonly run: (model: LoadedModel, rows: readonly LiveRow[]) => Promise<void>;
}

/** A version with what waits for it and what is known of its speed. */
interface Hosted extends Contender {
  readonly model: LoadedModel;
  readonly queue: ModelQueue<LiveRow>;
  readonly fit: DurationFit;
  readonly executor: Executor;
  /** When what waits is run even though it could still grow. */
  ripeAtMs: number;
  lastRunMs: number;
  /** On its way back to memory: its turn comes when it is there. */
  isAway: boolean;
  /** Lets it leave memory again; set while it waits there for its turn. */
  letGo: (() => void) | undefined;
}

/** One run at a time: the hot thread for all models that run there, a thread of its own for each of the others. */
interface Executor {
  readonly waiting: Set<Hosted>;
  isBusy: boolean;
  /** When the run under way is predicted to end. */
  busyUntilMs: number;
  turns: number;
  wakeUp: NodeJS.Timeout | undefined;
}

const newExecutor = (): Executor => ({ waiting: new Set(), isBusy: false, busyUntilMs: 0, turns: 0, wakeUp: undefined });

/**
 * Decides which rows of which model run next. Rows of all lanes meet here, so that what gathers during a run is the next one, whoever sent
 * it: the most urgent first, in turns between teams and between models, the batch lane and shadows with a share of what is left.
 */
export class Scheduler {
  private readonly hosted = new WeakMap<LoadedModel, Hosted>();
  private readonly inline = newExecutor();

  constructor(private readonly options: SchedulerOptions) {}

  /** Takes rows with complete features; tells each row's job when it is scored or rejected. */
  submit(model: LoadedModel, rows: readonly LiveRow[], band: Band): void {
    if (rows.length === 0) return;
    const hosted = this.hostedOf(model);
    const nowMs = this.options.clock.steadyMs();
    const late: LiveRow[] = [];
    for (const row of rows) {
      if (row.deadlineMs !== Infinity && this.isHopeless(hosted, row, band, nowMs)) late.push(row);
      else enqueue(hosted, row, band, nowMs);
    }
    if (late.length > 0) refuse(late, nowMs);
    if (hosted.queue.size === 0) return;
    if (hosted.isAway) return;
    hosted.executor.waiting.add(hosted);
    this.pump(hosted.executor);
  }

  /** The same, for who waits for all of its rows. */
  run(model: LoadedModel, rows: readonly LiveRow[], band: Band): Promise<void> {
    if (rows.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      let open = rows.length;
      const job: RowJob = {
        rowsDone: (done) => {
          open -= done.length;
          if (open === 0) resolve();
        },
      };
      for (const row of rows) row.job = job;
      this.submit(model, rows, band);
    });
  }

  /** Rows that wait, by model, for whoever watches queues grow. */
  waiting(models: Iterable<LoadedModel>): { readonly model: string; readonly version: string; readonly rows: number }[] {
    return Array.from(models, (model) => ({ model: model.model, version: model.version, rows: this.hosted.get(model)?.queue.size ?? 0 }));
  }

  /** How long a run of so many rows takes, from what was seen; 0 while nothing was. */
  predictMs(model: LoadedModel, rows: number): number {
    return this.hosted.get(model)?.fit.predictMs(rows) ?? 0;
  }

  /** Whether the row would be late even if all goes as predicted. An idle model takes it all the same now and then: the prediction may be wrong. */
  private isHopeless(hosted: Hosted, row: LiveRow, band: Band, nowMs: number): boolean {
    if (nowMs >= row.deadlineMs) return true;
    const { fit, model, queue, executor } = hosted;
    const ahead = queue.ahead(band, row);
    const { perRowMs, fixedMs } = fit.coefficients;
    const runsAhead = Math.ceil(ahead / model.maxBatchSize);
    const othersMs = (runsAhead + 1) * this.othersMs(hosted, row.priority);
    const waitMs = (executor.isBusy ? Math.max(0, executor.busyUntilMs - nowMs) : 0) + ahead * perRowMs + runsAhead * fixedMs + othersMs;
    return nowMs + waitMs + fit.predictMs(1) > row.deadlineMs && !this.mayProbe(hosted, nowMs);
  }

  /** One run of each other model on the same thread that has rows as urgent: they have their turns, too. */
  private othersMs(hosted: Hosted, priority: number): number {
    let ms = 0;
    for (const other of hosted.executor.waiting) {
      if (other === hosted || other.queue.topPriority('prompt') > priority) continue;
      ms += other.fit.predictMs(Math.min(other.queue.size, other.model.maxBatchSize));
    }
    return ms;
  }

  private mayProbe({ lastRunMs, executor }: Hosted, nowMs: number): boolean {
    return !executor.isBusy && nowMs - lastRunMs > PROBE_INTERVAL_MS;
  }

  private pump(executor: Executor): void {
    while (!executor.isBusy && executor.waiting.size > 0) {
      const nowMs = this.options.clock.steadyMs();
      const ripe = [...executor.waiting].filter(({ ripeAtMs, queue, model }) => ripeAtMs <= nowMs || queue.size >= model.maxBatchSize);
      const next = pickNext(ripe, executor.turns++);
      if (next === undefined) return this.wakeWhenRipe(executor, nowMs);
      if (!this.isAway(next)) this.start(next, nowMs);
    }
  }

  /** Whether the model has left memory. It is brought back beside the runs of others, not in a turn of its own, which they would wait for. */
  private isAway(hosted: Hosted): boolean {
    const { model, executor } = hosted;
    const back = model.comeBack();
    if (back === undefined) return false;
    executor.waiting.delete(hosted);
    hosted.isAway = true;
    void back.then((letGo) => (hosted.letGo = letGo), (thrown: unknown) => this.dismiss(hosted, thrown)).then(() => {
      hosted.isAway = false;
      if (hosted.queue.size > 0) executor.waiting.add(hosted);
      this.pump(executor);
    });
    return true;
  }

  /** It does not come back: whoever waits for it is told why. */
  private dismiss({ model, queue }: Hosted, thrown: unknown): void {
    const { code, message } = toContractError(thrown);
    const nowMs = this.options.clock.steadyMs();
    while (queue.size > 0) {
      const { rows, late } = queue.take({ maxRows: model.maxBatchSize, nowMs, predictMs: () => 0, mayProbe: false });
      if (late.length > 0) refuse(late, nowMs);
      for (const row of rows) row.rejection = reject(code, message);
      if (rows.length > 0) tell(rows);
    }
  }

  private wakeWhenRipe(executor: Executor, nowMs: number): void {
    let ripeAtMs = Infinity;
    for (const hosted of executor.waiting) ripeAtMs = Math.min(ripeAtMs, hosted.ripeAtMs);
    clearTimeout(executor.wakeUp);
    executor.wakeUp = setTimeout(() => this.pump(executor), Math.max(0, ripeAtMs - nowMs));
  }

  private start(hosted: Hosted, nowMs: number): void {
    const { model, queue, fit, executor, letGo } = hosted;
    hosted.letGo = undefined;
    const { rows, late } = queue.take({ maxRows: model.maxBatchSize, nowMs, predictMs: (count) => fit.predictMs(count), mayProbe: this.mayProbe(hosted, nowMs) });
    // Who has waited for one run does not wait for company again.
    hosted.ripeAtMs = queue.size > 0 ? nowMs : Infinity;
    if (queue.size === 0) executor.waiting.delete(hosted);
    if (late.length > 0) refuse(late, nowMs);
    if (rows.length === 0) return letGo?.();
    executor.isBusy = true;
    hosted.lastServed = executor.turns;
    executor.busyUntilMs = nowMs + fit.predictMs(rows.length);
    const run = this.options.run(model, rows);
    // From here on the run keeps it.
    letGo?.();
    void run.finally(() => this.finished(hosted, rows));
  }

  private finished(hosted: Hosted, rows: readonly LiveRow[]): void {
    const nowMs = this.options.clock.steadyMs();
    observe(hosted.fit, rows);
    hosted.lastRunMs = nowMs;
    hosted.executor.isBusy = false;
    tell(rows);
    this.pump(hosted.executor);
  }

  private hostedOf(model: LoadedModel): Hosted {
    let hosted = this.hosted.get(model);
    if (hosted === undefined) {
      const executor = model.isInline ? this.inline : newExecutor();
      hosted = { model, queue: new ModelQueue(), fit: new DurationFit(), executor, ripeAtMs: Infinity, lastServed: 0, lastRunMs: -Infinity, isAway: false, letGo: undefined };
      this.hosted.set(model, hosted);
    }
    return hosted;
  }
}

/**
 * What a run of this model takes by itself: a whole run that succeeded, from packing to its outputs. Waiting for a model to come back into memory
 * or a run that was halved says nothing of the next one.
 */
function observe(fit: DurationFit, rows: readonly LiveRow[]): void {
  const batch = rows[0]?.batch;
  if (batch === undefined || batch.size !== rows.length) return;
  fit.observe(batch.size, batch.preprocessMs + batch.inferenceMs);
}

function enqueue(hosted: Hosted, row: LiveRow, band: Band, nowMs: number): void {
  const { queue, fit, model } = hosted;
  queue.push(band, row);
  const slackMs = row.deadlineMs === Infinity ? Infinity : Math.max(0, row.deadlineMs - nowMs - fit.predictMs(queue.size));
  hosted.ripeAtMs = Math.min(hosted.ripeAtMs, nowMs + Math.min(model.maxDelayMs, slackMs));
}

function refuse(late: readonly LiveRow[], nowMs: number): void {
  for (const row of late) {
    const { deadlineMs, requestedAtMs } = row.request;
    row.isPredictedLate = nowMs < row.deadlineMs;
    const waitedMs = Math.round(row.pickUp.nowMs + nowMs - row.pickUp.steadyMs - requestedAtMs);
    row.rejection = reject('deadline_exceeded', row.isPredictedLate ? `after ${waitedMs} of the ${deadlineMs} ms allowed the model was predicted to answer too late` : `${waitedMs} ms after the request it had not run, ${deadlineMs} were allowed`);
  }
  tell(late);
}

/** Each job once, with its rows. */
function tell(rows: readonly Row[]): void {
  const first = rows[0]!.job;
  if (rows.every(({ job }) => job === first)) return first?.rowsDone(rows);
  const byJob = new Map<RowJob, Row[]>();
  for (const row of rows) {
    const { job } = row;
    if (job === undefined) continue;
    const ofJob = byJob.get(job);
    if (ofJob === undefined) byJob.set(job, [row]);
    else ofJob.push(row);
  }
  for (const [job, ofJob] of byJob) job.rowsDone(ofJob);
}
