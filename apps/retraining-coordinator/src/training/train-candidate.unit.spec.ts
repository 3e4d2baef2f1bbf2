import type { ModelSignature } from '@throughline/contracts';
import { OnnxSession } from '@throughline/onnx';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../domain/policy.js';
import { readExport } from './read-export.js';
import { trainCandidate, type TrainingJob } from './train-candidate.js';
import { trainInThread } from './trainer.js';

const ROWS = 4000;
const signature: ModelSignature = {
  inputs: [], outputs: [], task: 'binary_classification', score: { output: 'p', index: 0, threshold: 0.4 }, entities: { origin: 'airport' },
  features: [{ name: 'distance', kind: 'numeric' }, { name: 'score', kind: 'numeric', allowNaN: true }],
};
const noise = (i: number, salt: number): number => Math.abs(Math.sin(i * 12.9898 + salt * 78.233) * 43_758.5453) % 1;
const distances = Array.from({ length: ROWS }, (_, i) => 10 * noise(i, 1));

/** An export as the ledger writes it; the outcome depends on the distance, the champion answers at random. */
function exported(rows = ROWS, fallback?: (i: number) => string | null): ArrayBuffer {
  const column = <T>(name: string, type: 'STRING' | 'DOUBLE' | 'TIMESTAMP', value: (i: number) => T) => ({ name, type, data: Array.from({ length: rows }, (_, i) => value(i)) as never[] });
  return parquetWriteBuffer({
    columnData: [
      column('prediction_id', 'STRING', (i) => `p${i}`), column('version', 'STRING', () => '7'), column('occurred_at', 'TIMESTAMP', (i) => new Date(Date.UTC(2001, 0, 1) + i * 60_000)),
      column('score', 'DOUBLE', (i) => noise(i, 3)), column('outcome', 'DOUBLE', (i) => (i === 5 ? null : noise(i, 2) < 1 / (1 + Math.exp(5 - distances[i]!)) ? 1 : 0)),
      column('distance', 'DOUBLE', (i) => distances[i]!), column('feature.score', 'DOUBLE', (i) => (i % 2 === 0 ? null : i % 7)),
      ...(fallback === undefined ? [] : [column('fallback', 'STRING', fallback)]),
    ],
  });
}
const job = (change: Partial<TrainingJob> = {}): TrainingJob => ({ runId: 'r1', parquet: exported(), championVersion: '7', signature, policy: DEFAULT_POLICY, ...change });

describe('readExport', () => {
  it('reads what the ledger wrote: labels, times, scores, and features under their exported names', async () => {
    const rows = await readExport(exported(20), signature.features);
    expect(rows).toMatchObject({ rowCount: 19, width: 2 });
    expect([...rows.values.slice(0, 4)]).toEqual([distances[0], NaN, distances[1], 1]);
    expect([rows.occurredAtMs[1], rows.scores[1], rows.versions[1]]).toEqual([Date.UTC(2001, 0, 1, 0, 1), noise(1, 3), '7']);
  });

  it('leaves out what a fallback answered', async () => {
    const rows = await readExport(exported(20, (i) => (i < 10 ? 'constant' : null)), signature.features);
    expect([rows.rowCount, rows.occurredAtMs[0]]).toEqual([10, Date.UTC(2001, 0, 1, 0, 10)]);
  });

  it('takes a feature that the export does not know as missing', async () => {
    const rows = await readExport(exported(3), [{ name: 'unheard' }]);
    expect([...rows.values]).toEqual([NaN, NaN, NaN]);
  });

  it.each([['no Parquet', new TextEncoder().encode('{"status":"ok"}').buffer as ArrayBuffer], ['another Parquet', parquetWriteBuffer({ columnData: [{ name: 'x', data: [1] }] })]])(
    'blames the ledger for %s',
    async (_, bytes) => {
      await expect(readExport(bytes, signature.features)).rejects.toMatchObject({ code: 'unavailable' });
    },
  );
});

describe('trainCandidate', () => {
  it('gives both sides’ numbers on the same later rows, and an artifact that has these numbers', async () => {
    const { artifact, metadata, championMetrics } = await trainCandidate(job(), () => undefined);
    expect(metadata.metrics['rows']).toBe(championMetrics['rows']);
    expect(metadata.metrics['auc']).toBeGreaterThan(0.85);
    expect(Math.abs(championMetrics['auc']! - 0.5)).toBeLessThan(0.05);
    expect(metadata).toMatchObject({ parentVersion: '7', task: 'binary_classification', entities: { origin: 'airport' }, score: { output: 'probability', index: 0, threshold: 0.4 }, dataset: { snapshotId: expect.stringMatching(/^outcome-ledger\/\d{4}-.*Z\/\d{4}-.*Z$/), sha256: expect.stringMatching(/^[0-9a-f]{64}$/), source: 'outcome-ledger', heldOutRows: 1000 }, codeCommit: expect.stringMatching(/^@throughline\/features@/), metrics: { auc: expect.any(Number) } });
    const session = await OnnxSession.load(artifact);
    const { outputs } = await session.run(Float32Array.of(9, 3, 1, 3), 2);
    expect(Number(outputs[0]!.data[0])).toBeGreaterThan(Number(outputs[0]!.data[1]));
  });

  it('serves a default where it trained with the mean', async () => {
    const { metadata } = await trainCandidate(job(), () => undefined);
    expect(metadata.features[0]).toEqual({ name: 'distance', kind: 'numeric' });
    expect(metadata.features[1]).toEqual({ name: 'score', kind: 'numeric', default: expect.closeTo(3, 0) as number });
  });

  it('gives a reference of training rows with the candidate’s own scores', async () => {
    const { reference } = await trainCandidate(job(), () => undefined);
    const lines = new TextDecoder().decode(reference).trim().split('\n').map((line) => JSON.parse(line) as Record<string, number>);
    expect(lines).toHaveLength(2999);
    expect(lines[0]).toMatchObject({ distance: distances[0] });
  });

  it('is deterministic, so that what is registered twice is registered once', async () => {
    const [a, b] = [await trainCandidate(job(), () => undefined), await trainCandidate(job(), () => undefined)];
    expect(b).toEqual(a);
  });
});

describe('trainInThread', () => {
  it('trains as in place, tells of progress, and leaves the event loop free', async () => {
    const stages = new Set<string>();
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 5);
    const candidate = await trainInThread(job(), (stage) => stages.add(stage), new AbortController().signal);
    clearInterval(timer);
    expect(candidate).toEqual(await trainCandidate(job(), () => undefined));
    expect([...stages]).toEqual(['train', 'evaluate']);
    expect(ticks).toBeGreaterThan(5);
  });

  it('passes errors on with their code', async () => {
    const tooLittle = trainInThread(job({ parquet: exported(50) }), () => undefined, new AbortController().signal);
    await expect(tooLittle).rejects.toMatchObject({ name: 'ContractError', code: 'insufficient_data', message: '49 predictions with a usable outcome, the policy wants 1000' });
  });

  it('ends the thread when it is told to', async () => {
    const abort = new AbortController();
    const training = trainInThread(job(), () => abort.abort(new Error('the service stops')), abort.signal);
    await expect(training).rejects.toThrow('the service stops');
  });
});
