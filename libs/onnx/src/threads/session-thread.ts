import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ContractError } from '@throughline/contracts';
import type { InputColumns } from '../feeds.js';
import type { RunResult } from '../session.js';
import { END, type Call, type CallMessage, type LoadCall, type LoadReport, type ReplyMessage } from './protocol.js';

/** Longer than any run that is worth waiting for. */
const END_PATIENCE_MS = 20_000;

interface PendingCall {
  readonly resolve: (result: LoadReport | RunResult | undefined) => void;
  readonly reject: (error: ContractError) => void;
}

/** A thread that holds one model at a time. What it is busy with when it ends is rejected as `unavailable`: the same may be asked of another. */
export class SessionThread {
  /** Resolves with the reason when the thread is no more. */
  readonly ended: Promise<string>;
  private readonly pending = new Map<number, PendingCall>();
  private readonly worker: Worker;
  private nextCallId = 0;
  private end: string | undefined;

  constructor() {
    // Sources run in place under vitest, but plain Node needs the compiled file.
    const script = new URL('./session-thread-main.js', import.meta.url).href.replace('/onnx/src/', '/onnx/dist/');
    // The environment's secrets are not the model's business.
    this.worker = new Worker(fileURLToPath(script), { env: {}, execArgv: [], name: 'throughline-model' });
    this.worker.unref();
    this.worker.on('message', (message: ReplyMessage) => this.settle(message));
    this.ended = new Promise((resolve) => {
      let reason: string | undefined;
      this.worker.on('error', (error) => (reason = error.message));
      this.worker.on('exit', (code) => resolve(this.close(reason ?? `exit code ${code}`)));
    });
  }

  get isAlive(): boolean {
    return this.end === undefined;
  }

  /**
   * Loads, warms up and measures a model; shared memory is not copied on the way.
   *
   * @throws ContractError of the `artifact_…` codes, `model_failed` when it does not warm up, `unavailable` when the thread ends
   */
  async load(options: Omit<LoadCall, 'kind'>): Promise<LoadReport> {
    return (await this.call({ kind: 'load', ...options })) as LoadReport;
  }

  /** As `OnnxSession.runColumns`. @throws ContractError, `unavailable` when the thread ends */
  async run(columns: InputColumns, rowCount: number): Promise<RunResult> {
    return (await this.call({ kind: 'run', columns, rowCount })) as RunResult;
  }

  /** Frees the model; the thread can hold another one. */
  async unload(): Promise<void> {
    await this.call({ kind: 'unload' });
  }

  /**
   * Ends the thread as soon as the runtime lets go. The thread ends itself, between two calls of the runtime: one that is ended from outside in the
   * midst of such a call takes the whole process with it (the runtime throws where nobody can catch). Only a call that never ends is worth that.
   */
  async terminate(): Promise<void> {
    if (this.end !== undefined) return;
    this.worker.ref();
    this.worker.postMessage(END);
    const force = setTimeout(() => void this.worker.terminate(), END_PATIENCE_MS);
    await this.ended;
    clearTimeout(force);
  }

  private call(call: Call): Promise<LoadReport | RunResult | undefined> {
    if (this.end !== undefined) return Promise.reject(lost(this.end));
    const callId = this.nextCallId++;
    return new Promise((resolve, reject) => {
      this.pending.set(callId, { resolve, reject });
      // A process that waits for nothing else must wait for this.
      this.worker.ref();
      this.worker.postMessage({ ...call, callId } satisfies CallMessage);
    });
  }

  private settle(message: ReplyMessage): void {
    const { resolve, reject } = this.pending.get(message.callId)!;
    this.pending.delete(message.callId);
    if (this.pending.size === 0) this.worker.unref();
    if ('error' in message) reject(new ContractError(message.error.code, message.error.reason, { cure: message.error.cure }));
    else resolve(message.result);
  }

  private close(reason: string): string {
    this.end = reason;
    for (const { reject } of this.pending.values()) reject(lost(reason));
    this.pending.clear();
    return reason;
  }
}

const lost = (reason: string): ContractError => new ContractError('unavailable', `the model’s thread has ended: ${reason}`);
