import type { InputColumns } from '../feeds.js';
import { OnnxSession, type RunResult } from '../session.js';
import type { GraphSignature } from '../signature.js';
import type { LoadReport, WarmUp } from './protocol.js';
import { SessionThread } from './session-thread.js';

/** Where a model runs, and what it told when it was first loaded. */
export interface Placement {
  /** On the calling thread; else on one of its own. */
  readonly isInline: boolean;
  readonly signature: GraphSignature;
}

/** A model in memory and warm, wherever it runs. */
export interface HostedSession extends Placement {
  /** As `OnnxSession.runColumns`; `unavailable` when the model's thread ends meanwhile. Columns may lie in shared memory unless it is inline. */
  run(columns: InputColumns, rowCount: number): Promise<RunResult>;
  /** Resolves with the reason if the model is lost without anybody's asking; for an inline one never. */
  readonly lost: Promise<string>;
  /** Frees its memory once the runs in flight have ended. */
  dispose(): Promise<void>;
}

export interface LoaderOptions {
  /** Threads inside one operator. */
  readonly intraOpNumThreads: number;
  /** A model whose largest batch takes longer runs on a thread of its own. */
  readonly inlineMaxBatchMs: number;
  /** So does one that takes longer to load: the calling thread would stand still for it. */
  readonly inlineMaxLoadMs: number;
  /** Models that load at the same time. */
  readonly maxConcurrentLoads: number;
}

/** An idle thread takes some 40 MB. */
const IDLE_THREAD_MS = 10_000;

/**
 * Loads models without holding up the calling thread. Each is read, loaded, warmed up and measured on a thread of its own first; what
 * turns out light is then loaded here as well, because a hop to a thread costs more than its runs, and the thread is free for the next.
 */
export class SessionLoader {
  /** All that live. */
  readonly threads = new Set<SessionThread>();
  /** At most one that holds no model; starting a thread takes longer than loading a light model. */
  private idle: SessionThread | undefined;
  private endIdle: NodeJS.Timeout | undefined;
  private loading = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly options: LoaderOptions) {}

  /**
   * @param known where the same bytes were placed before, so that they need no measuring
   * @throws ContractError of the `artifact_…` codes, `model_failed` when it does not warm up, `unavailable` when its thread ends
   */
  async load(bytes: Uint8Array, warmUp: WarmUp, known?: Placement): Promise<HostedSession> {
    await this.turn();
    try {
      return known?.isInline === true ? await this.loadHere(bytes, warmUp, known.signature) : await this.place(bytes, warmUp, known !== undefined);
    } finally {
      this.loading--;
      this.waiting.shift()?.();
    }
  }

  /** Ends all threads. */
  async close(): Promise<void> {
    clearTimeout(this.endIdle);
    await Promise.all([...this.threads].map((thread) => thread.terminate()));
  }

  private async turn(): Promise<void> {
    while (this.loading >= this.options.maxConcurrentLoads) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.loading++;
  }

  private async place(bytes: Uint8Array, warmUp: WarmUp, isKnownHeavy: boolean): Promise<HostedSession> {
    const thread = this.idleThread();
    let isTaken = false;
    try {
      const report = await thread.load({ bytes, warmUp, intraOpNumThreads: this.options.intraOpNumThreads });
      isTaken = isKnownHeavy || this.isHeavy(report);
      if (isTaken) return hostedOn(thread, report.signature);
      await thread.unload();
      return await this.loadHere(bytes, warmUp, report.signature);
    } finally {
      if (!isTaken) this.putBack(thread);
    }
  }

  private isHeavy({ loadMs, batchMs }: LoadReport): boolean {
    return batchMs > this.options.inlineMaxBatchMs || loadMs > this.options.inlineMaxLoadMs;
  }

  private async loadHere(bytes: Uint8Array, warmUp: WarmUp, signature: GraphSignature): Promise<HostedSession> {
    const session = await OnnxSession.load(bytes.slice(), { intraOpNumThreads: this.options.intraOpNumThreads, signature });
    try {
      await session.warmUp(warmUp.batchSizes, warmUp.inputWidth);
    } catch (thrown) {
      await session.dispose();
      throw thrown;
    }
    return { isInline: true, signature, lost: new Promise(() => undefined), run: (columns, rowCount) => session.runColumns(columns, rowCount), dispose: () => session.dispose() };
  }

  private idleThread(): SessionThread {
    const { idle } = this;
    clearTimeout(this.endIdle);
    this.idle = undefined;
    return idle?.isAlive === true ? idle : this.startThread();
  }

  private startThread(): SessionThread {
    const thread = new SessionThread();
    this.threads.add(thread);
    void thread.ended.then(() => this.threads.delete(thread));
    return thread;
  }

  private putBack(thread: SessionThread): void {
    if (this.idle !== undefined || !thread.isAlive) return void thread.terminate();
    this.idle = thread;
    this.endIdle = setTimeout(() => void this.idleThread().terminate(), IDLE_THREAD_MS).unref();
  }
}

function hostedOn(thread: SessionThread, signature: GraphSignature): HostedSession {
  let isDisposed = false;
  return {
    isInline: false,
    signature,
    lost: thread.ended.then((reason) => (isDisposed ? new Promise<never>(() => undefined) : reason)),
    run: (columns, rowCount) => thread.run(columns, rowCount),
    dispose: async () => {
      isDisposed = true;
      // It may have ended by itself.
      await thread.unload().catch(() => undefined);
      await thread.terminate();
    },
  };
}
