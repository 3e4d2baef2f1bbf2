import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ContractError, toContractError, type ModelSignature } from '@throughline/contracts';
import { allocateColumns, packRow, planPacking, shortestFloat32, sliceColumns, type PackedColumns, type PackPlan } from '@throughline/features';
import { INTRA_OP_THREADS, OnnxSession } from '@throughline/onnx';
import { compileRules, parseRules } from '@throughline/rules';
import type { Call, LoadCall, Reply, Row, ScoreCall, Scores, ScoringModel } from './protocol.js';

// The process that `ScoringChild` starts: one call at a time, one reply a call.

/** Rows of one run; the bits of a row do not depend on it. */
const BATCH_ROWS = 256;

interface Output {
  readonly name: string;
  readonly data: ArrayLike<number | bigint | string>;
  readonly rowWidth: number;
}

interface Loaded {
  readonly plan: PackPlan;
  readonly score: NonNullable<ModelSignature['score']>;
  /** @throws when the batch cannot be run as a whole */
  run(columns: PackedColumns, rowCount: number): Promise<readonly Output[]>;
}

const loaded = new Map<string, Loaded>();

async function load({ key, model }: LoadCall): Promise<Scores> {
  const { score } = model.signature;
  if (score === undefined) throw new ContractError('invalid_request', 'its signature names no score, so there is nothing to compare');
  loaded.set(key, { score, ...('rules' in model.artifact ? loadRules(Buffer.from(model.artifact.rules), model.signature) : await loadFile(model, model.artifact)) });
  return [];
}

async function loadFile({ signature }: ScoringModel, { path, sha256 }: { path: string; sha256: string }): Promise<Pick<Loaded, 'plan' | 'run'>> {
  const bytes = await readFile(path);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new ContractError('artifact_hash_mismatch', `the file is not artifact ${sha256}`);
  // No field of ONNX has the number of a brace.
  if (/^(?:\ufeff)?\s*\{/.test(bytes.toString('utf8', 0, 64))) return loadRules(bytes, signature);
  const session = await OnnxSession.load(bytes, { intraOpNumThreads: INTRA_OP_THREADS });
  return { plan: planPacking(signature), run: async (columns, rowCount) => (await session.runColumns(columns, rowCount)).outputs };
}

function loadRules(bytes: Uint8Array, { features }: ModelSignature): Pick<Loaded, 'plan' | 'run'> {
  const rules = compileRules(parseRules(bytes));
  return {
    plan: planPacking({ inputs: rules.signature.inputs, features }),
    run: (columns, rowCount) => {
      const { outputs, failures } = rules.run(columns, rowCount);
      const [reason] = failures.values();
      return reason === undefined ? Promise.resolve(outputs) : Promise.reject(new ContractError('model_failed', reason));
    },
  };
}

async function score({ key, rows }: ScoreCall): Promise<Scores> {
  const model = loaded.get(key)!;
  const scores: Scores = new Array<number | null>(rows.length).fill(null);
  for (let from = 0; from < rows.length; from += BATCH_ROWS) await scoreBatch(model, rows, { from, to: Math.min(rows.length, from + BATCH_ROWS) }, scores);
  return scores;
}

async function scoreBatch(model: Loaded, rows: readonly Row[], { from, to }: { from: number; to: number }, scores: Scores): Promise<void> {
  const columns = allocateColumns(model.plan, to - from);
  const packed: number[] = [];
  for (let row = from; row < to; row++) if (packRow(model.plan, columns, packed.length, rows[row]!) === undefined) packed.push(row);
  if (packed.length > 0) await scoreRows(model, columns, packed, { from: 0, to: packed.length }, scores);
}

/** One row on which the model fails must not take the others with it. */
async function scoreRows(model: Loaded, columns: PackedColumns, packed: readonly number[], { from, to }: { from: number; to: number }, scores: Scores): Promise<void> {
  const outputs = await model.run(sliceColumns(model.plan, columns, from, to), to - from).catch(() => undefined);
  if (outputs !== undefined) {
    for (let at = from; at < to; at++) scores[packed[at]!] = scoreOf(model, outputs, at - from);
    return;
  }
  if (to - from === 1) return;
  const middle = (from + to) >> 1;
  await scoreRows(model, columns, packed, { from, to: middle }, scores);
  await scoreRows(model, columns, packed, { from: middle, to }, scores);
}

function scoreOf({ score: { output: name, index } }: Loaded, outputs: readonly Output[], row: number): number | null {
  const output = outputs.find((one) => one.name === name);
  if (output === undefined || index >= output.rowWidth) return null;
  const value = Number(output.data[row * output.rowWidth + index]);
  if (!Number.isFinite(value)) return null;
  return output.data instanceof Float32Array ? shortestFloat32(value) : value;
}

process.on('message', (call: Call) => {
  void (call.kind === 'load' ? load(call) : score(call)).then((scores): Reply => ({ scores }), (thrown: unknown): Reply => {
    const { code, message, cure } = toContractError(thrown);
    return { error: { code, reason: message, cure } };
  }).then((reply) => process.send!(reply));
});
