import { ContractError } from '@throughline/contracts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { batchTensors, checkMatrix, padToTwo, zeroColumns, type InputColumns } from './feeds.js';
import { readSignature, type Datatype, type GraphSignature } from './signature.js';

export type OutputData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | string[];

/** One output of a batch, row after row. */
export interface OutputColumn {
  name: string;
  datatype: Datatype;
  data: OutputData;
  /** Values a row: row i is `data[i * rowWidth]` to `data[(i + 1) * rowWidth - 1]`. */
  rowWidth: number;
}

export interface RunResult {
  outputs: OutputColumn[];
  /** Milliseconds inside the runtime, without the wait for the event loop. */
  inferenceMs: number;
}

export interface SessionOptions {
  /** Threads inside one operator. The runtime's own default ignores cgroups and changes the bits of a result. */
  intraOpNumThreads?: number;
  /** What `readSignature` said of the same bytes: reading a large graph takes longer than loading it. */
  signature?: GraphSignature;
}

/** What ONNX Runtime says where scikit-learn's OneHotEncoder was told to refuse what it does not know, which is its default. */
const UNKNOWN_CATEGORY = /Unknown Category/;

/**
 * A loaded model. The runtime works synchronously on the calling thread. The same row gives the same bits at every
 * batch size from 1 up: a lone row is scored twice, because kernels for one row round differently (measured).
 */
export class OnnxSession {
  private inFlight = 0;
  private disposed = false;
  private whenIdle: (() => void) | undefined;

  private constructor(
    private readonly session: InferenceSession,
    readonly signature: GraphSignature,
  ) {}

  /**
   * Loads trusted bytes; `inspectInChild` is for the others. Loading blocks the thread for as long as the graph's
   * optimisation takes.
   *
   * @throws ContractError with one of the `artifact_…` codes.
   */
  static async load(bytes: Uint8Array, options: SessionOptions = {}): Promise<OnnxSession> {
    const signature = options.signature ?? readSignature(bytes);
    try {
      const session = await InferenceSession.create(bytes, {
        executionProviders: ['cpu'],
        executionMode: 'sequential',
        intraOpNumThreads: options.intraOpNumThreads ?? 1,
        interOpNumThreads: 1,
        // Only fatal ones: every error is thrown as well, and standard error belongs to the logger.
        logSeverityLevel: 4,
      });
      return new OnnxSession(session, signature);
    } catch (cause) {
      throw loadFailure(cause);
    }
  }

  /** Columns of the input matrix; undefined when the model has several inputs or does not say. */
  get inputWidth(): number | undefined {
    const [first, ...others] = this.signature.inputs;
    if (first === undefined || others.length > 0 || first.shape.length !== 2) return undefined;
    return first.shape[1] !== -1 ? first.shape[1] : this.signature.featureNames?.length;
  }

  /**
   * Runs a batch of zeros (and empty strings) of each size, so that no request pays for the first use of one. A graph that takes only the
   * categories it was trained on is as warm as it can be without one of them.
   *
   * @param inputWidth columns of the input matrix, where the graph leaves them open
   */
  async warmUp(batchSizes: readonly number[], inputWidth = this.inputWidth): Promise<void> {
    for (const rowCount of batchSizes) {
      try {
        await this.runColumns(zeroColumns(this.signature, inputWidth, rowCount), rowCount);
      } catch (error) {
        if (!UNKNOWN_CATEGORY.test(messageOf(error))) throw error;
      }
    }
  }

  /**
   * Scores a matrix [rowCount, F], row after row, with a model that has one FP32 input. NaN passes through.
   *
   * @throws ContractError `wrong_shape` when the numbers do not fill whole rows or the model takes no such matrix,
   *   `model_failed` when the runtime refuses.
   */
  async run(rows: Float32Array, rowCount: number): Promise<RunResult> {
    const input = checkMatrix(this.signature, this.inputWidth, rows, rowCount);
    const padded = rowCount === 1 ? padToTwo(rows) : rows;
    const batch = rowCount === 1 ? 2 : rowCount;
    return this.execute({ [input.name]: new Tensor('float32', padded, [batch, padded.length / batch]) }, rowCount);
  }

  /**
   * Scores a batch given by input, for models with several inputs or other types than FP32: each column holds
   * `rowCount` rows.
   *
   * @throws ContractError `wrong_shape`, `wrong_type` or `feature_missing` for a column, `model_failed` when the runtime refuses.
   */
  async runColumns(columns: InputColumns, rowCount: number): Promise<RunResult> {
    return this.execute(batchTensors(this.signature, columns, rowCount), rowCount);
  }

  /** Frees the native memory once the runs in flight have ended. Later runs fail. */
  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    if (this.inFlight > 0) await new Promise<void>((resolve) => (this.whenIdle = resolve));
    await this.session.release();
  }

  private async execute(feeds: Record<string, Tensor>, rowCount: number): Promise<RunResult> {
    if (this.disposed) throw new ContractError('model_not_ready', 'the session has been disposed of');
    this.inFlight++;
    try {
      // The runtime defers itself by one setImmediate; this one runs right before it and starts the watch.
      let startedMs = 0;
      setImmediate(() => (startedMs = performance.now()));
      const results = await this.session.run(feeds);
      const inferenceMs = performance.now() - startedMs;
      return { outputs: this.signature.outputs.map(({ name, datatype }) => takeRows(name, datatype, results[name]!, rowCount)), inferenceMs };
    } catch (cause) {
      if (cause instanceof ContractError) throw cause;
      throw new ContractError('model_failed', messageOf(cause), { cause });
    } finally {
      this.inFlight--;
      if (this.inFlight === 0) this.whenIdle?.();
    }
  }
}

/** What ONNX Runtime says of an operator that is none of its own, as domain, name and version. */
const UNKNOWN_OPERATOR = /([\w.]+):(\w+)\(-?\d+\) is not a registered function\/op/;

function loadFailure(cause: unknown): ContractError {
  const [, domain, operator] = UNKNOWN_OPERATOR.exec(messageOf(cause)) ?? [];
  if (operator === undefined) return new ContractError('artifact_load_failed', messageOf(cause), { cause });
  return new ContractError('artifact_load_failed', `the operator “${operator}” of “${domain}” is a custom one that ONNX Runtime does not have`, {
    cause, cure: 'Export the model with standard operators only (domains ai.onnx, ai.onnx.ml and com.microsoft); no library of custom operators is ever loaded.',
  });
}

/** The rows that were asked for, without the padding. */
function takeRows(name: string, datatype: Datatype, tensor: Tensor, rowCount: number): OutputColumn {
  const batch = Math.max(rowCount, 2);
  if (tensor.dims[0] !== batch) {
    throw new ContractError('model_failed', `output “${name}” has the shape [${tensor.dims.join(', ')}] for ${batch} rows; its first dimension must be the row`);
  }
  const data = tensor.data as OutputData;
  const rowWidth = data.length / batch;
  if (rowCount === batch) return { name, datatype, data, rowWidth };
  return { name, datatype, data: Array.isArray(data) ? data.slice(0, rowWidth) : data.subarray(0, rowWidth), rowWidth };
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
