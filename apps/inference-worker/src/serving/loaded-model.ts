import { ContractError, type ServedVersion } from '@throughline/contracts';
import { allocateColumns, PackPlanError, packRow, planPacking, sliceColumns, type FeatureScalar, type PackError, type PackPlan } from '@throughline/features';
import { OnnxSession, type GraphSignature, type RunResult } from '@throughline/onnx';
import type { ServedModel } from '../domain/answer.js';
import { warmUpSizes } from '../domain/assignment.js';
import { LookupError, planLookups, type Lookup } from '../domain/stored-features.js';
import { INTRA_OP_THREADS, RUNTIME } from './runtime.js';

/** How a deployment wants rows to become runs. */
export interface BatchLimits {
  readonly maxBatchSize: number;
  readonly maxDelayMs: number;
}

/** Rows on their way into one run. */
export interface PreparedBatch {
  /** Adds a complete row, values in the order of the features; an error leaves no trace. */
  add(values: readonly FeatureScalar[]): PackError | undefined;
  readonly size: number;
  /** Scores rows `from` (inclusive) to `to` (exclusive). */
  run(from: number, to: number): Promise<RunResult>;
}

/** A version in memory and warm. */
export class LoadedModel implements ServedModel {
  readonly runtime = RUNTIME;
  private users = 0;
  private retired = false;

  private constructor(
    readonly model: string,
    private readonly served: ServedVersion,
    readonly plan: PackPlan,
    readonly lookups: readonly Lookup[],
    private readonly session: OnnxSession,
    private readonly limits: BatchLimits,
  ) {}

  /**
   * Loads, checks the graph against the signature it was registered with, and warms up.
   *
   * @throws ContractError `artifact_load_failed` or another of the `artifact_…` codes.
   */
  static async load(model: string, served: ServedVersion, bytes: Uint8Array, limits: BatchLimits): Promise<LoadedModel> {
    const { plan, lookups } = planOf(served);
    const session = await OnnxSession.load(bytes, { intraOpNumThreads: INTRA_OP_THREADS });
    try {
      checkGraph(session.signature, served);
      await session.warmUp(warmUpSizes(limits.maxBatchSize), plan.inputs.length === 1 ? plan.features.length : undefined);
    } catch (cause) {
      await session.dispose();
      throw new ContractError('artifact_load_failed', `version ${served.version} of “${model}” does not warm up: ${(cause as Error).message}`, { cause });
    }
    return new LoadedModel(model, served, plan, lookups, session, limits);
  }

  /** Rows that one run takes at most. */
  get maxBatchSize(): number {
    return this.limits.maxBatchSize;
  }

  /** How long the first row of a run may wait for others. */
  get maxDelayMs(): number {
    return this.limits.maxDelayMs;
  }

  /** Whether it runs on the hot thread. */
  readonly isInline: boolean = true;

  /** `undefined` while it is in memory; else resolves when it is again. */
  residence(): Promise<void> | undefined {
    return undefined;
  }

  get version(): string {
    return this.served.version;
  }

  get artifactSha256(): string {
    return this.served.artifactSha256;
  }

  get signature(): ServedVersion['signature'] {
    return this.served.signature;
  }

  /** Whether it is what a deployment asks for, so that it need not be loaded again. */
  serves({ version, artifactSha256, signature }: ServedVersion, { maxBatchSize, maxDelayMs }: BatchLimits): boolean {
    const isSame = version === this.version && artifactSha256 === this.artifactSha256 && maxBatchSize === this.maxBatchSize && maxDelayMs === this.maxDelayMs;
    return isSame && JSON.stringify(signature) === JSON.stringify(this.signature);
  }

  /** Room for rows on their way into one run; a failing range may be run again in parts. */
  prepare(rowCount: number): PreparedBatch {
    const { plan, session } = this;
    const columns = allocateColumns(plan, rowCount);
    let size = 0;
    return {
      add: (values) => {
        const error = packRow(plan, columns, size, values);
        if (error === undefined) size++;
        return error;
      },
      get size() {
        return size;
      },
      run: (from, to) => session.runColumns(from === 0 && to === rowCount ? columns : sliceColumns(plan, columns, from, to), to - from),
    };
  }

  /** Keeps the model in memory until `release`. */
  acquire(): void {
    this.users++;
  }

  release(): void {
    this.users--;
    this.disposeIfUnused();
  }

  /** Frees the memory as soon as nobody uses it. */
  retire(): void {
    this.retired = true;
    this.disposeIfUnused();
  }

  private disposeIfUnused(): void {
    if (this.retired && this.users === 0) void this.session.dispose();
  }
}

function planOf({ signature }: ServedVersion): { plan: PackPlan; lookups: Lookup[] } {
  try {
    return { plan: planPacking(signature), lookups: planLookups(signature) };
  } catch (cause) {
    if (cause instanceof PackPlanError || cause instanceof LookupError) throw new ContractError('artifact_load_failed', cause.message, { cause });
    throw cause;
  }
}

/** A signature that names other tensors than the graph has would fail on every request; better here, where the old version still serves. */
function checkGraph(graph: GraphSignature, { signature }: ServedVersion): void {
  for (const { name, datatype } of graph.inputs) {
    const declared = signature.inputs.find((input) => input.name === name);
    if (declared?.datatype !== datatype) throw new Error(`the graph’s input “${name}” ${datatype} is not in the signature`);
  }
  const { score } = signature;
  if (score !== undefined && !graph.outputs.some(({ name }) => name === score.output)) throw new Error(`the graph has no output “${score.output}”, which holds the score`);
}
