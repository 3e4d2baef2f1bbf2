import { fork, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ContractError } from '@throughline/contracts';
import type { Reply, RunCall, RunResult } from './protocol.js';

export interface ModelChildOptions {
  /** Longest a call may take, loading included. */
  readonly timeoutMs: number;
  /** Resident memory of the child, the runtime's included (an idle one takes about 100 MB). */
  readonly maxMemoryBytes: number;
  /** Calls that may wait for their turn. */
  readonly maxWaiting: number;
}

const IDLE_MS = 60_000;
const MEMORY_WATCH_INTERVAL_MS = 25;
const CHILD_HEAP_MIB = 512;

/**
 * Runs models that nobody vouches for in a process of its own, one call at a time. A model that takes too long or too much, or crashes, ends that process
 * and nothing else; the next call starts another one. Left alone for a minute it ends.
 */
export class ModelChild {
  private child: ChildProcess | undefined;
  /** Artifacts that the child may hold. */
  private readonly held = new Set<string>();
  private tail: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private idle: NodeJS.Timeout | undefined;

  constructor(private readonly options: ModelChildOptions) {}

  /**
   * @throws ContractError `overloaded` when too many wait, `artifact_timeout`, `artifact_too_large` for memory, `model_failed`, one of the `artifact_…` codes,
   *   `rules_invalid`, or the code of a value that the signature does not allow
   */
  async run(call: RunCall): Promise<RunResult> {
    if (this.waiting >= this.options.maxWaiting) throw new ContractError('overloaded', `${this.waiting} recomputations wait already`, { cure: 'Try again in a moment.' });
    this.waiting++;
    const turn = this.tail.then(() => this.answer(call));
    this.tail = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.waiting--;
    }
  }

  /** Ends the process, whatever it is doing. */
  close(): void {
    clearTimeout(this.idle);
    this.child?.kill('SIGKILL');
    this.child = undefined;
    this.held.clear();
  }

  private async answer(call: RunCall): Promise<RunResult> {
    clearTimeout(this.idle);
    const others = [...this.held].some((sha256) => sha256 !== call.sha256);
    try {
      return await this.ask(call);
    } catch (thrown) {
      // The others may be what took the memory.
      if (!others || !(thrown instanceof ContractError) || thrown.code !== 'artifact_too_large') throw thrown;
      return await this.ask(call);
    } finally {
      this.idle = setTimeout(() => this.close(), IDLE_MS).unref();
    }
  }

  private async ask(call: RunCall): Promise<RunResult> {
    const { residentBytes } = await import('@throughline/onnx');
    const child = (this.child ??= this.start());
    this.held.add(call.sha256);
    const { timeoutMs, maxMemoryBytes } = this.options;
    return await new Promise<RunResult>((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(deadline);
        clearInterval(watch);
        child.off('message', hear).off('exit', leave);
        end();
      };
      const give = (code: 'artifact_timeout' | 'artifact_too_large', reason: string): void => settle(() => {
        this.close();
        reject(new ContractError(code, reason));
      });
      const hear = (reply: unknown): void => settle(() => {
        const answer = reply as Reply;
        if ('result' in answer) resolve(answer.result);
        else reject(new ContractError(answer.error.code, answer.error.reason, { cure: answer.error.cure }));
      });
      const leave = (code: number | null, signal: string | null): void => settle(() => reject(new ContractError('model_failed', `the model ended its process (${signal ?? `exit code ${code}`})`)));
      const deadline = setTimeout(() => give('artifact_timeout', `no answer after ${timeoutMs} ms`), timeoutMs);
      const watch = setInterval(() => {
        if (residentBytes(child.pid) > maxMemoryBytes) give('artifact_too_large', `computing takes more than the limit of ${maxMemoryBytes} bytes of memory`);
      }, MEMORY_WATCH_INTERVAL_MS);
      child.on('message', hear).on('exit', leave);
      child.send(call, (error) => {
        if (error !== null) leave(null, error.message);
      });
    });
  }

  private start(): ChildProcess {
    // Sources run in place under vitest, but plain Node needs the compiled file.
    const script = new URL('./model-child-main.js', import.meta.url).href.replace('/outcome-ledger/src/', '/outcome-ledger/dist/');
    const child = fork(fileURLToPath(script), [], {
      // Nothing of ours is the model's business: neither the environment's secrets nor the folder we run in.
      env: {}, cwd: tmpdir(), execArgv: [`--max-old-space-size=${CHILD_HEAP_MIB}`], stdio: 'ignore', serialization: 'advanced',
    });
    child.once('exit', () => {
      if (this.child !== child) return;
      this.child = undefined;
      this.held.clear();
    });
    // A process that cannot be started never exits; whoever waits for its answer waits for that.
    child.on('error', ({ message }) => child.emit('exit', null, message));
    child.unref();
    return child;
  }
}
