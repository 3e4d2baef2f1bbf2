import { ContractError, toContractError, type ServedVersion } from '@throughline/contracts';
import type { PackedColumns, PackPlan } from '@throughline/features';
import { estimateSessionBytes, type GraphSignature, type HostedSession, type Placement, type RunResult } from '@throughline/onnx';
import { counter, METRICS } from '@throughline/telemetry';
import { warmUpSizes } from '../domain/assignment.js';
import type { ModelHost } from './model-host.js';
import type { Resident } from './model-memory.js';
import { TensorBatch, type PreparedBatch } from './prepared-batch.js';

export interface GraphOptions {
  readonly model: string;
  readonly served: ServedVersion;
  readonly plan: PackPlan;
  readonly maxBatchSize: number;
}

/** A thread with a session and its isolate takes so much more than the session (measured: 37 to 44 MB). */
const THREAD_BYTES = 40e6;
/** Losses within `LOSS_WINDOW_MS` after which a model stays away until the window has passed: its own input may be what ends its thread. */
const MAX_LOSSES = 20;
const LOSS_WINDOW_MS = 60_000;
const FAILURE_BACKOFF_MS = 1000;

const reloads = counter(METRICS.modelReloads);
const threadsLost = counter(METRICS.modelThreadsLost);

/** A graph that is in memory most of the time: it comes back when it is asked for, after an eviction as after the end of its thread. */
export class GraphBody implements Resident {
  private session: HostedSession | undefined;
  private placement: Placement | undefined;
  private sizeBytes: number | undefined;
  private arriving: Promise<boolean> | undefined;
  private running = 0;
  private users = 0;
  /** Whose turn comes next; until then it must not leave again. */
  private holds = 0;
  private isClosed = false;
  private readonly lossesMs: number[] = [];
  private failure: { readonly error: unknown; readonly untilMs: number } | undefined;

  private constructor(private readonly host: ModelHost, private readonly options: GraphOptions) {}

  /** @throws ContractError of the `artifact_…` codes, or `unavailable` */
  static async load(host: ModelHost, options: GraphOptions): Promise<GraphBody> {
    const body = new GraphBody(host, options);
    await body.arrive(true);
    return body;
  }

  get model(): string {
    return this.options.model;
  }

  /** Decided by its first warm-up. */
  get isInline(): boolean {
    return this.placement!.isInline;
  }

  get isWanted(): boolean {
    return this.users + this.running + this.holds > 0;
  }

  get isBusy(): boolean {
    return (this.session !== undefined && this.running + this.holds > 0) || this.arriving !== undefined;
  }

  get isResident(): boolean {
    return this.session !== undefined;
  }

  /** Why it does not come back. */
  get fault(): ContractError | undefined {
    return this.session === undefined && this.failure !== undefined ? toContractError(this.failure.error) : undefined;
  }

  prepare(rowCount: number): PreparedBatch {
    return new TensorBatch(this.options.plan, rowCount, !this.isInline, (columns, rows) => this.run(columns, rows));
  }

  /** `undefined` while it is in memory; else resolves when it is, or when it must wait for its turn, which the run then does. */
  residence(): Promise<void> | undefined {
    if (this.session !== undefined) return undefined;
    const back = this.arrive(false).then(() => undefined);
    // Whoever only asks whether it is away need not wait for the answer.
    back.catch(() => undefined);
    return back;
  }

  /**
   * `undefined` while it is in memory; else brings it back, whatever else has to leave, and resolves with what lets it leave again.
   *
   * @throws ContractError as `load`
   */
  comeBack(): Promise<() => void> | undefined {
    if (this.session !== undefined) return undefined;
    this.holds++;
    const letGo = (): void => {
      this.holds--;
      this.host.memory.idle();
    };
    return this.arrived().then(() => letGo, (thrown: unknown) => {
      letGo();
      throw thrown;
    });
  }

  acquire(): void {
    this.users++;
    this.host.memory.touch(this);
  }

  release(): void {
    this.users--;
    if (this.users === 0) this.host.memory.idle();
  }

  async evict(): Promise<void> {
    const { session } = this;
    this.session = undefined;
    this.host.onMoved?.(this.model);
    await session?.dispose();
  }

  /** Gives its memory back for good, once the runs in flight have ended. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.evict();
    // On its way in it leaves by itself.
    if (this.arriving === undefined) this.host.memory.leave(this);
  }

  private async run(columns: PackedColumns, rowCount: number): Promise<RunResult> {
    const { memory } = this.host;
    this.running++;
    memory.touch(this);
    try {
      for (let isAgain = false; ; isAgain = true) {
        const session = this.session ?? (await this.arrived());
        try {
          return await session.run(columns, rowCount);
        } catch (thrown) {
          if (toContractError(thrown).code !== 'unavailable') throw thrown;
          this.lose(session);
          // A larger batch is run again in halves anyway.
          if (isAgain || rowCount > 1) throw thrown;
        }
      }
    } finally {
      this.running--;
      memory.idle();
    }
  }

  private async arrived(): Promise<HostedSession> {
    while (this.session === undefined) await this.arrive(true);
    return this.session;
  }

  /** @returns false when it is not urgent and there is no room */
  private arrive(isUrgent: boolean): Promise<boolean> {
    this.arriving ??= this.tryToOpen(isUrgent).finally(() => {
      this.arriving = undefined;
      this.host.memory.idle();
    });
    return this.arriving;
  }

  /** What has just failed is not tried again for every row that waits for it. */
  private async tryToOpen(isUrgent: boolean): Promise<boolean> {
    if (this.failure !== undefined && performance.now() < this.failure.untilMs) throw this.failure.error;
    try {
      const isIn = await this.open(isUrgent);
      if (isIn) this.failure = undefined;
      return isIn;
    } catch (error) {
      this.warnOfFailure(error);
      this.failure = { error, untilMs: performance.now() + FAILURE_BACKOFF_MS };
      this.host.onMoved?.(this.model);
      throw error;
    }
  }

  /** Once until it is back; that the first load failed is told by whoever wanted it. */
  private warnOfFailure(thrown: unknown): void {
    if (this.placement === undefined || this.failure !== undefined || this.isClosed) return;
    const { code, message, cure } = toContractError(thrown);
    this.host.logger.warn({ ...this.names, code, reason: message, cure }, 'a version cannot come back to memory: its requests are rejected or answered by a fallback, and it is tried again for the next one');
  }

  private async open(isUrgent: boolean): Promise<boolean> {
    this.checkLosses();
    const { artifacts, loader, memory } = this.host;
    const { served, plan, maxBatchSize } = this.options;
    let bytes = this.sizeBytes === undefined ? await artifacts.get(served) : undefined;
    const estimate = (this.sizeBytes ??= estimateSessionBytes(bytes!) + THREAD_BYTES);
    if (!(await memory.admit(this, estimate, isUrgent))) return false;
    try {
      bytes ??= await artifacts.get(served);
      const warmUp = { batchSizes: warmUpSizes(maxBatchSize), inputWidth: plan.inputs.length === 1 ? plan.features.length : undefined };
      this.enter(await loader.load(bytes, warmUp, this.placement));
      return true;
    } catch (thrown) {
      memory.leave(this);
      throw thrown;
    }
  }

  /** @throws ContractError `artifact_load_failed` for another graph than was registered, `model_not_ready` when nobody wants it any more */
  private enter(session: HostedSession): void {
    const reason = this.isClosed ? 'it has been retired' : graphFault(session.signature, this.options.served);
    if (reason !== undefined) {
      void session.dispose();
      throw new ContractError(this.isClosed ? 'model_not_ready' : 'artifact_load_failed', reason);
    }
    if (this.placement !== undefined) reloads.add(1, { model: this.model });
    if (this.placement === undefined && session.isInline) this.sizeBytes! -= THREAD_BYTES;
    this.placement = session;
    this.session = session;
    this.host.onMoved?.(this.model);
    this.host.memory.shrink(this, this.sizeBytes!);
    void session.lost.then(() => this.lose(session));
  }

  /** The thread is gone; another one is started at once, so that the next request need not wait for it. */
  private lose(session: HostedSession): void {
    if (this.session !== session) return;
    this.session = undefined;
    this.host.onMoved?.(this.model);
    this.forgetOldLosses();
    this.lossesMs.push(performance.now());
    threadsLost.add(1, { model: this.model });
    this.host.logger.warn({ ...this.names, lossesInWindow: this.lossesMs.length, maxLosses: MAX_LOSSES, windowSeconds: LOSS_WINDOW_MS / 1000 }, 'the thread of a version has ended: another one is started, unless that happens too often');
    this.host.memory.leave(this);
    if (!this.isClosed) this.arrive(false).catch(() => undefined);
  }

  private checkLosses(): void {
    this.forgetOldLosses();
    if (this.lossesMs.length < MAX_LOSSES) return;
    throw new ContractError('unavailable', `the thread of “${this.model}” ended ${MAX_LOSSES} times within ${LOSS_WINDOW_MS / 1000} s`, { cure: 'Its own input may be what ends it: look at its requests, or roll the version back.' });
  }

  private forgetOldLosses(): void {
    const sinceMs = performance.now() - LOSS_WINDOW_MS;
    while (this.lossesMs.length > 0 && this.lossesMs[0]! < sinceMs) this.lossesMs.shift();
  }

  /** What a log line calls it by. */
  private get names(): { model: string; version: string } {
    return { model: this.model, version: this.options.served.version };
  }
}

/** A signature that names other tensors than the graph has would fail on every request; better here, where the old version still serves. */
function graphFault(graph: GraphSignature, { signature }: ServedVersion): string | undefined {
  for (const { name, datatype } of graph.inputs) {
    const declared = signature.inputs.find((input) => input.name === name);
    if (declared?.datatype !== datatype) return `the graph’s input “${name}” ${datatype} is not in the signature`;
  }
  const { score } = signature;
  if (score !== undefined && !graph.outputs.some(({ name }) => name === score.output)) return `the graph has no output “${score.output}”, which holds the score`;
  return undefined;
}
