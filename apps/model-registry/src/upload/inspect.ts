import { readFile } from 'node:fs/promises';
import { ContractError, type GoldenInputs, type ModelSignature } from '@throughline/contracts';
import { inspectInChild, type InspectionLimits } from '@throughline/onnx';
import { compileRules, MAX_DOCUMENT_BYTES, parseRules } from '@throughline/rules';
import { freezeGolden, goldenFeeds, type GoldenFeeds } from '../domain/golden.js';
import { ofGraph, type UploadMetadata } from '../domain/metadata.js';
import { rulesSignature } from '../domain/rules.js';
import { buildSignature } from '../domain/signature.js';
import type { ReceivedFile } from './receive.js';

/** What an artifact turned out to be. */
export interface Inspected {
  readonly signature: ModelSignature;
  readonly golden?: GoldenInputs | undefined;
}

/**
 * Parses, loads and tries an untrusted graph in a process of its own, its golden rows included.
 *
 * @throws ContractError as `inspectInChild`, `invalid_request` where metadata and graph disagree, `artifact_golden_mismatch`
 */
export async function inspectGraph({ path }: ReceivedFile, metadata: UploadMetadata, limits: Partial<InspectionLimits>): Promise<Inspected> {
  const { golden } = metadata;
  let signature: ModelSignature | undefined;
  let feeds: GoldenFeeds | undefined;
  const { outputs } = await inspectInChild(await readFile(path), limits, (graph) => {
    signature = buildSignature(graph, ofGraph(metadata));
    return golden === undefined ? undefined : (feeds = goldenFeeds(golden, signature));
  });
  return { signature: signature!, ...(golden === undefined ? {} : { golden: freezeGolden(golden, feeds!, outputs) }) };
}

/**
 * In this process: the language and the size of rules are bounded.
 *
 * @throws ContractError `rules_invalid`, `invalid_request` for golden rows they cannot take, `artifact_golden_mismatch`
 */
export async function inspectRules({ path, sizeBytes }: ReceivedFile, { golden }: UploadMetadata): Promise<Inspected> {
  if (sizeBytes > MAX_DOCUMENT_BYTES) throw new ContractError('rules_invalid', `the document has ${sizeBytes} bytes, ${MAX_DOCUMENT_BYTES} are allowed`, { cure: 'Train a model for what needs so many rules.' });
  const bytes = await readFile(path);
  const signature = rulesSignature(bytes);
  if (golden === undefined) return { signature };
  const feeds = goldenFeeds(golden, signature);
  const { outputs, failures } = compileRules(parseRules(bytes)).run(feeds.columns, feeds.rowCount);
  for (const [row, reason] of failures) throw new ContractError('artifact_golden_mismatch', `golden row ${row} is answered with a failure: ${reason}`);
  return { signature, golden: freezeGolden(golden, feeds, outputs) };
}
