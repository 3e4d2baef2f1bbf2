import { fork, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ContractError } from '@throughline/contracts';
import type { Call, Reply, Row, Scores, ScoringModel } from './protocol.js';

export interface ScoringLimits {
  /** Longest a call may take. */
  readonly timeoutMs: number;
  /** Resident memory of the process. */
  readonly maxMemoryBytes: number;
}

const WATCH_MS = 100;
const CHILD_HEAP_MIB = 512;

/**
 * Scores rows of the past in a process of its own: the ledger goes on whatever the models do. One that takes too long or too much ends that process
 * and with it the job it was started for.
 */
export class ScoringChild {
  private readonly child: ChildProcess;

  constructor(private readonly limits: ScoringLimits) {
    // Sources run in place under vitest, but plain Node needs the compiled file.
    const script = new URL('./scoring-child-main.js', import.meta.url).href.replace('/outcome-ledger/src/', '/outcome-ledger/dist/');
    this.child = fork(fileURLToPath(script), [], {
      // Nothing of ours is the model's business: neither the environment's secrets nor the folder we run in.
      env: {}, cwd: tmpdir(), execArgv: [`--max-old-space-size=${CHILD_HEAP_MIB}`], stdio: 'ignore', serialization: 'advanced',
    });
  }

  /** @throws ContractError of the `artifact_…` codes, `rules_invalid`, `model_failed` when it ends its process, `artifact_timeout`, `artifact_too_large` for memory */
  async load(key: string, model: ScoringModel): Promise<void> {
    await this.call({ kind: 'load', key, model });
  }

  /** Scores by row, null where there is none. @throws ContractError as `load` */
  score(key: string, rows: readonly Row[]): Promise<Scores> {
    return rows.length === 0 ? Promise.resolve([]) : this.call({ kind: 'score', key, rows });
  }

  close(): void {
    this.child.kill('SIGKILL');
  }

  private async call(call: Call): Promise<Scores> {
    const { residentBytes } = await import('@throughline/onnx');
    const { child, limits: { timeoutMs, maxMemoryBytes } } = this;
    return await new Promise<Scores>((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(deadline);
        clearInterval(watch);
        child.off('message', hear).off('exit', leave);
        end();
      };
      const giveUp = (error: ContractError): void => settle(() => {
        this.close();
        reject(error);
      });
      const hear = (reply: unknown): void => settle(() => {
        const answer = reply as Reply;
        if ('scores' in answer) resolve(answer.scores);
        else reject(new ContractError(answer.error.code, answer.error.reason, { cure: answer.error.cure }));
      });
      const leave = (code: number | null, signal: string | null): void => settle(() => reject(new ContractError('model_failed', `the model ended its process (${signal ?? `exit code ${code}`})`)));
      const deadline = setTimeout(() => giveUp(new ContractError('artifact_timeout', `no answer after ${timeoutMs} ms`)), timeoutMs);
      const watch = setInterval(() => {
        if (residentBytes(child.pid) > maxMemoryBytes) giveUp(new ContractError('artifact_too_large', `scoring takes more than the limit of ${maxMemoryBytes} bytes of memory`));
      }, WATCH_MS);
      child.on('message', hear).on('exit', leave);
      if (child.exitCode !== null || child.signalCode !== null) return leave(child.exitCode, child.signalCode);
      child.send(call, (error) => {
        if (error !== null) leave(null, error.message);
      });
    });
  }
}
