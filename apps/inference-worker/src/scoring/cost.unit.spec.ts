import type { ServedVersion } from '@throughline/contracts';
import { sha256Hex } from '@throughline/onnx';
import { createLogger } from '@throughline/telemetry';
import { beforeAll, expect, it } from 'vitest';
import type { Answer, Scored } from '../domain/answer.js';
import { assignmentOf, type Assignment } from '../domain/assignment.js';
import type { Candidate, ScoringRequest } from '../domain/scoring-request.js';
import { FeatureCache } from '../features/feature-cache.js';
import { LoadedModel } from '../serving/loaded-model.js';
import { hostOf, logistic, numeric, signature } from '../testing/models.js';
import { pipelineOf } from '../testing/pipeline.js';
import { systemClock as clock } from './clock.js';

const features = [numeric('hour')];
const MAX_BATCH_SIZE = 16;
/** At this price a millisecond costs a million. */
const PRICE = 3_600_000 * 1e6;
/** Stage timings are told in whole microseconds, two of them. */
const ROUNDING_MS = 0.001;

let assignment: Assignment<LoadedModel>;
beforeAll(async () => {
  const artifact = logistic(features, 1);
  const served: ServedVersion = { version: '1', artifactSha256: sha256Hex(artifact), sizeBytes: artifact.byteLength, signature: signature(features) };
  const model = await LoadedModel.load('flights', served, { maxBatchSize: MAX_BATCH_SIZE, maxDelayMs: 0 }, hostOf([artifact]));
  assignment = assignmentOf({ model: 'flights', revision: 1, updatedAt: '', champion: served, challengers: [], shadows: [] }, new Map([['1', model]]), new Set());
});

const requestOf = (index: number, more: Partial<ScoringRequest> = {}): ScoringRequest => ({
  lane: 'stream', source: '/test', id: `${index}`, row: undefined, attempt: 0, key: `${index}`, traceparent: undefined, coordinates: undefined, requestedAtMs: 0, occurredAt: undefined, occurredAtMs: 0,
  model: 'flights', version: undefined, entities: undefined, routingKey: undefined, team: undefined, deadlineMs: undefined, priority: 5, features: { hour: index }, tensors: undefined, ...more,
});

function score(requests: readonly ScoringRequest[], price: number): Promise<Answer[]> {
  const cache = new FeatureCache({ store: { read: async () => new Map() }, maxEntries: 10, isLagging: () => false, nowMs: clock.nowMs, logger: createLogger('test', { level: 'silent' }) });
  const { pipeline } = pipelineOf({ assignment: () => assignment }, cache, price);
  return pipeline.score(requests.map((request): Candidate => ({ request, rejection: undefined })), pipeline.pickUp(), 'prompt');
}
const scored = (answers: readonly Answer[]): Scored[] => answers.filter((answer): answer is Scored => answer.state === 'scored');

it('a run’s time is apportioned among its rows: the costs of a run add up to its time at the price, whatever its size', async () => {
  const answers = scored(await score(Array.from({ length: 50 }, (_, index) => requestOf(index)), PRICE));
  expect(answers).toHaveLength(50);
  const runs = Map.groupBy(answers, ({ outputs }) => outputs);
  expect(runs.size).toBeGreaterThanOrEqual(Math.ceil(50 / MAX_BATCH_SIZE));
  for (const rows of runs.values()) {
    const [{ timingsMs: { preprocess, inference }, batchSize } = rows[0]!] = rows;
    expect(rows).toHaveLength(batchSize);
    expect(new Set(rows.map(({ costMicroUsd }) => costMicroUsd)).size).toBe(1);
    const totalMs = rows.reduce((sum, { costMicroUsd }) => sum + costMicroUsd!, 0) / 1e6;
    expect(totalMs).toBeGreaterThan(0);
    expect(Math.abs(totalMs - (preprocess! + inference!))).toBeLessThanOrEqual(ROUNDING_MS);
  }
});

it('without a price nothing is said of the cost', async () => {
  expect(scored(await score([requestOf(1)], 0)).map(({ costMicroUsd }) => costMicroUsd)).toEqual([undefined]);
});

it('a rejected request has no cost', async () => {
  const [answer] = await score([requestOf(1, { features: {} })], PRICE);
  expect(answer).toMatchObject({ state: 'rejected' });
  expect(answer).not.toHaveProperty('costMicroUsd');
});
