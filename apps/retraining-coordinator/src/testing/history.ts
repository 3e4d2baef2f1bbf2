import type { Bus } from '@throughline/bus';
import { encodeEvent, predictionId, type EventData } from '@throughline/contracts';
import { logisticRegressionGraph } from '@throughline/onnx';

const SOURCE = '/test';
export const FEATURES = ['distance', 'hour'];
/** The champion looks at the wrong feature with little conviction; the truth is in `truth`. */
const CHAMPION = { weights: [0.1, 0.9], bias: 0 };
const truth = (distance: number, hour: number): number => sigmoid(2 * distance - 0.3 * hour);
const sigmoid = (logOdds: number): number => 1 / (1 + Math.exp(-logOdds));

/** Uniform in [0, 1), the same for the same index. */
const noise = (index: number, salt: number): number => {
  const x = Math.sin(index * 12.9898 + salt * 78.233) * 43_758.5453;
  return x - Math.floor(x);
};

/** Registers the champion as version 1 and lets it serve. */
export async function deployChampion(registryUrl: string, model: string): Promise<{ artifactSha256: string }> {
  const form = new FormData();
  const metadata = {
    features: FEATURES.map((name) => ({ name, kind: 'numeric' })), task: 'binary_classification', score: { output: 'probability', index: 0, threshold: 0.5 },
    dataset: { snapshotId: 'test' }, codeCommit: 'test', metrics: { auc: 0.5 },
  };
  form.append('metadata', JSON.stringify(metadata));
  const graph = logisticRegressionGraph({ ...CHAMPION, mean: [0, 0], scale: [1, 1], featureNames: FEATURES });
  form.append('artifact', new Blob([graph as Uint8Array<ArrayBuffer>]), 'model.onnx');
  const uploaded = await fetch(`${registryUrl}/registry/v1/models/${model}/versions`, { method: 'POST', body: form });
  if (!uploaded.ok) throw new Error(await uploaded.text());
  const moved = await fetch(`${registryUrl}/registry/v1/models/${model}/aliases/champion`, {
    method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ version: '1' }),
  });
  if (!moved.ok) throw new Error(await moved.text());
  return (await uploaded.json()) as { artifactSha256: string };
}

/** Predictions of the champion and what became of them, as worker and business systems publish them: one an hour from 2001 on. */
export async function publishHistory(bus: Bus, model: string, artifactSha256: string, count: number): Promise<void> {
  const startMs = Date.UTC(2001, 0, 1);
  const requestedAt = new Date().toISOString();
  const scored: EventData<'prediction.scored.v1'>[] = [];
  const outcomes: EventData<'outcome.observed.v1'>[] = [];
  for (let i = 0; i < count; i += 1) {
    const distance = 4 * noise(i, 1) - 2;
    const hour = 4 * noise(i, 2) - 2;
    const id = predictionId(SOURCE, `${model}-${i}`);
    const score = sigmoid(CHAMPION.weights[0]! * distance + CHAMPION.weights[1]! * hour);
    const occurredMs = startMs + i * 3600_000;
    scored.push({
      predictionId: id, requestSource: SOURCE, requestId: `${model}-${i}`, lane: 'stream', occurredAt: new Date(occurredMs).toISOString(), requestedAt, model, version: '1', artifactSha256,
      role: 'champion', assignmentRevision: 1, outputs: { probability: [score] }, score, features: { values: [distance, hour] }, timingsMs: { total: 1 }, batchSize: 1, scoredAt: requestedAt, worker: 'test',
    });
    outcomes.push({ predictionId: id, value: noise(i, 3) < truth(distance, hour), source: 'test', sequence: 0, occurredAt: new Date(occurredMs + 1800_000).toISOString() });
  }
  const message = <T extends 'prediction.scored.v1' | 'outcome.observed.v1'>(topic: T, data: EventData<T> & { predictionId?: string }) => ({
    topic, key: data.predictionId!, ...encodeEvent(topic, { id: `${topic}-${data.predictionId}`, source: SOURCE, timeMs: Date.now(), data }),
  });
  for (let start = 0; start < count; start += 500) {
    await bus.producer.sendAll(scored.slice(start, start + 500).map((data) => message('prediction.scored.v1', data)));
    await bus.producer.sendAll(outcomes.slice(start, start + 500).map((data) => message('outcome.observed.v1', data)));
  }
}
