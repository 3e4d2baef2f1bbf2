import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ContractError, toContractError, type ModelSignature } from '@throughline/contracts';
import { allocateColumns, outputRow, packRow, planPacking, type OutputValues, type PackedColumns, type PackPlan } from '@throughline/features';
import { INTRA_OP_THREADS, ONNX_RUNTIME, OnnxSession } from '@throughline/onnx';
import { compileRules, parseRules, RULES_RUNTIME } from '@throughline/rules';
import { LRUCache } from 'lru-cache';
import type { OutputValuesOfRow } from './domain/compare.js';
import type { Reply, RunCall, RunResult } from './protocol.js';

// The process that `ModelChild` starts: one call at a time, one reply a call. It does with a row what a worker does.

interface Loaded {
  readonly runtime: string;
  planOf(signature: ModelSignature): PackPlan;
  run(columns: PackedColumns): Promise<readonly (OutputValues & { readonly name: string })[]>;
  dispose(): Promise<void>;
}

const MAX_LOADED = 4;
/** Each takes two bytes at least, and a message a megabyte at most. A few hundred bytes of graph can answer gigabytes. */
const MAX_VALUES = 524_288;
const loaded = new LRUCache<string, Loaded>({ max: MAX_LOADED, dispose: (model) => void model.dispose() });

async function run({ path, sha256, signature, values }: RunCall): Promise<RunResult> {
  const model = loaded.get(sha256) ?? (await load(path, sha256));
  loaded.set(sha256, model);
  const plan = model.planOf(signature);
  const columns = allocateColumns(plan, 1);
  const fault = packRow(plan, columns, 0, values);
  if (fault !== undefined) throw new ContractError(fault.code, fault.reason);
  const startedMs = performance.now();
  const outputs = await model.run(columns);
  const computeMs = performance.now() - startedMs;
  const width = outputs.reduce((sum, { rowWidth }) => sum + rowWidth, 0);
  if (width > MAX_VALUES) throw new ContractError('artifact_too_large', `it answers ${width} values a row; no answer of more than ${MAX_VALUES} was ever published`);
  return { outputs: outputs.map((output): OutputValuesOfRow => ({ name: output.name, datatype: output.datatype, values: outputRow(output, 0) })), runtime: model.runtime, computeMs };
}

async function load(path: string, sha256: string): Promise<Loaded> {
  const bytes = await readFile(path);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new ContractError('artifact_hash_mismatch', `the file is not artifact ${sha256}`);
  return isRules(bytes) ? loadRules(bytes) : loadGraph(bytes);
}

/** A serialised graph begins with the number of a field, and no field of ONNX has the number of a brace. */
const isRules = (bytes: Buffer): boolean => /^(?:\ufeff)?\s*\{/.test(bytes.toString('utf8', 0, 64));

async function loadGraph(bytes: Uint8Array): Promise<Loaded> {
  const session = await OnnxSession.load(bytes, { intraOpNumThreads: INTRA_OP_THREADS });
  return { runtime: ONNX_RUNTIME, planOf: planPacking, run: async (columns) => (await session.runColumns(columns, 1)).outputs, dispose: () => session.dispose() };
}

function loadRules(bytes: Uint8Array): Loaded {
  const rules = compileRules(parseRules(bytes));
  return {
    runtime: RULES_RUNTIME,
    planOf: ({ features }) => planPacking({ inputs: rules.signature.inputs, features }),
    run: async (columns) => {
      const { outputs, failures } = rules.run(columns, 1);
      const reason = failures.get(0);
      if (reason !== undefined) throw new ContractError('model_failed', reason);
      return outputs;
    },
    dispose: () => Promise.resolve(),
  };
}

process.on('message', (call: RunCall) => {
  void run(call).then((result): Reply => ({ result }), (thrown: unknown): Reply => {
    const { code, message, cure } = toContractError(thrown);
    return { error: { code, reason: message, cure } };
  }).then((reply) => process.send!(reply));
});
