import type { GoldenInputs, ServedVersion } from '@throughline/contracts';
import { sha256Hex } from '@throughline/onnx';
import { afterEach, describe, expect, it } from 'vitest';
import { hostOf, logistic, logisticScore, numeric, rulesArtifact, signature } from '../testing/models.js';
import { tableLookupGraph } from '../testing/partial-failure-graph.js';
import { LoadedModel } from './loaded-model.js';

const features = [numeric('hour'), numeric('distance', { default: 5 })];
let host: ReturnType<typeof hostOf>;

afterEach(async () => {
  host.memory.close();
  await host.loader.close();
});

function load(artifact: Uint8Array, golden: GoldenInputs, { maxBatchSize = 64, ...more }: Partial<ServedVersion> & { maxBatchSize?: number } = {}): Promise<LoadedModel> {
  host = hostOf([artifact]);
  return LoadedModel.load('flights', { version: '1', artifactSha256: sha256Hex(artifact), sizeBytes: artifact.byteLength, signature: signature(features), golden, ...more }, { maxBatchSize, maxDelayMs: 0 }, host);
}

const row = (values: (number | null)[], probability: unknown) => ({ values, outputs: { probability: [probability] } });
const promised = (...values: [number, number][]): GoldenInputs => ({ rows: values.map((one) => row(one, logisticScore(one))) });
const rulesOf = (expression: string) => rulesArtifact({ throughlineRules: 1, features: features.map(({ name, kind }) => ({ name, kind })), outputs: { probability: expression }, score: 'probability' });
const rulesSignature = signature(features, { inputs: [], outputs: [{ name: 'probability', datatype: 'FP64', shape: [-1, 1] }] });

describe('a version is served when its golden inputs', () => {
  it.each([
    ['are answered as promised', promised([1, 2], [3, 400], [7, 0])],
    ['are answered as promised by a default', { rows: [row([1, null], logisticScore([1, 5]))] }],
    ['are off within the stated tolerance', { ...promised([1, 2]), rows: [row([1, 2], logisticScore([1, 2]) + 0.04)], absoluteTolerance: 0.05 }],
  ])('%s', async (_, golden) => {
    expect(await load(logistic(features), golden)).toBeInstanceOf(LoadedModel);
    expect(host.memory.count).toBe(1);
  });

  it('are more than a run takes', async () => {
    expect(await load(logistic(features), promised([1, 2], [3, 4], [5, 6]), { maxBatchSize: 2 })).toBeInstanceOf(LoadedModel);
  });

  it('are answered by rules as promised', async () => {
    expect(await load(rulesOf('hour > 5 ? 0.5 : 0.25'), { rows: [row([6, 1], 0.5), row([4, 1], 0.25)] }, { format: 'rules', signature: rulesSignature })).toBeInstanceOf(LoadedModel);
  });
});

describe('a version is not served, and leaves memory, when', () => {
  it('a row is answered otherwise: the message names row, output, answer and promise', async () => {
    const [first, second] = promised([1, 2], [3, 4]).rows;
    await expect(load(logistic(features), { rows: [first!, { ...second!, outputs: { probability: [0.9] } }] }))
      .rejects.toMatchObject({ code: 'artifact_golden_mismatch', message: expect.stringMatching(/golden row 1 answers “probability” with \[0\.52\d+\], not \[0\.9\] as promised \(in a batch of 2\)/) });
    await expect.poll(() => host.memory.count).toBe(0);
  });

  it('an output that was promised is not there', async () => {
    await expect(load(logistic(features), { rows: [{ values: [1, 2], outputs: { label: [1] } }] })).rejects.toMatchObject({ code: 'artifact_golden_mismatch', message: expect.stringContaining('“label” with nothing') });
  });

  it('a row lacks a value', async () => {
    await expect(load(logistic(features), { rows: [row([null, 1], 0.5)] })).rejects.toMatchObject({ code: 'artifact_golden_mismatch', message: expect.stringContaining('“hour”') });
  });

  it('the version fails on a row', async () => {
    await expect(load(tableLookupGraph(3), { rows: [row([2], 2), row([9], 9)] }, { signature: signature([numeric('index')]) })).rejects.toMatchObject({ code: 'artifact_golden_mismatch', message: expect.stringContaining('fails on golden rows 0 to 1') });
  });

  it('its rules answer otherwise', async () => {
    await expect(load(rulesOf('0.5'), { rows: [row([1, 2], 0.25)] }, { format: 'rules', signature: rulesSignature })).rejects.toMatchObject({ code: 'artifact_golden_mismatch' });
  });
});
