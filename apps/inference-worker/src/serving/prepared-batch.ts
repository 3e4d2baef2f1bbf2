import { ContractError } from '@throughline/contracts';
import { allocateColumns, packRow, sliceColumns, type FeatureScalar, type PackedColumns, type PackError, type PackPlan } from '@throughline/features';
import type { OutputColumn, RunResult } from '@throughline/onnx';
import type { CompiledRules, RulesRun } from '@throughline/rules';

/** Rows on their way into one run. */
export interface PreparedBatch {
  /** Adds a complete row, values in the order of the features; an error leaves no trace. */
  add(values: readonly FeatureScalar[]): PackError | undefined;
  readonly size: number;
  /** Scores rows `from` (inclusive) to `to` (exclusive); what fails may be run again in parts. */
  run(from: number, to: number): Promise<RunResult>;
}

/** Rows as columns: tensors for a graph, values by feature for rules. */
abstract class ColumnBatch implements PreparedBatch {
  size = 0;

  constructor(protected readonly plan: PackPlan, protected readonly columns: PackedColumns) {}

  add(values: readonly FeatureScalar[]): PackError | undefined {
    const error = packRow(this.plan, this.columns, this.size, values);
    if (error === undefined) this.size++;
    return error;
  }

  abstract run(from: number, to: number): Promise<RunResult>;
}

/** What runs a graph on columns. */
export type ColumnRunner = (columns: PackedColumns, rowCount: number) => Promise<RunResult>;

export class TensorBatch extends ColumnBatch {
  /** @param isShared whether the columns are read by another thread; shared memory gets there without a copy */
  constructor(plan: PackPlan, private readonly rowCount: number, isShared: boolean, private readonly runner: ColumnRunner) {
    const columns = allocateColumns(plan, rowCount);
    super(plan, isShared ? sharedColumns(columns) : columns);
  }

  run(from: number, to: number): Promise<RunResult> {
    const isWhole = from === 0 && to === this.rowCount;
    return this.runner(isWhole ? this.columns : sliceColumns(this.plan, this.columns, from, to), to - from);
  }
}

export class RulesBatch extends ColumnBatch {
  private computed: (RulesRun & { readonly perRowMs: number }) | undefined;

  constructor(plan: PackPlan, rowCount: number, private readonly rules: CompiledRules) {
    super(plan, allocateColumns(plan, rowCount));
  }

  /** Rows that fail are known after one pass; bisection then only looks them up. */
  async run(from: number, to: number): Promise<RunResult> {
    const { outputs, failures, perRowMs } = (this.computed ??= this.compute());
    for (const [row, reason] of failures) if (row >= from && row < to) throw new ContractError('model_failed', reason);
    return { outputs: outputs.map((output): OutputColumn => ({ ...output, data: output.data.slice(from, to) })), inferenceMs: perRowMs * (to - from) };
  }

  private compute(): RulesRun & { readonly perRowMs: number } {
    const startedMs = performance.now();
    const run = this.rules.run(this.columns, this.size);
    return { ...run, perRowMs: (performance.now() - startedMs) / this.size };
  }
}

function sharedColumns(columns: PackedColumns): PackedColumns {
  const shared = Object.entries(columns).map(([name, data]) => [name, Array.isArray(data) ? data : new (data.constructor as Uint8ArrayConstructor)(new SharedArrayBuffer(data.byteLength))] as const);
  return Object.fromEntries(shared);
}
