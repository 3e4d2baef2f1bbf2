import type { OutgoingMessage } from '@throughline/bus';
import { ContractError, type ServedVersion } from '@throughline/contracts';
import { sha256Hex } from '@throughline/onnx';
import { createLogger, renderMetrics } from '@throughline/telemetry';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { Answer } from '../domain/answer.js';
import { assignmentOf } from '../domain/assignment.js';
import type { Candidate, ScoringRequest } from '../domain/scoring-request.js';
import { FeatureCache } from '../features/feature-cache.js';
import { LoadedModel } from '../serving/loaded-model.js';
import { hostOf, logistic, numeric, signature } from '../testing/models.js';
import { pipelineOf } from '../testing/pipeline.js';
import { systemClock as clock } from './clock.js';
import { ShadowScorer } from './shadow-scorer.js';

const ROWS = 10;
const features = [numeric('hour')];
const logger = createLogger('test');
logger.level = 'silent';

function servedVersion(version: string): { served: ServedVersion; artifact: Uint8Array } {
  const artifact = logistic(features, Number(version));
  return { artifact, served: { version, artifactSha256: sha256Hex(artifact), sizeBytes: artifact.byteLength, signature: signature(features) } };
}

const versions = new Map<string, LoadedModel>();
const sent: (readonly OutgoingMessage[])[] = [];
let send: (messages: readonly OutgoingMessage[]) => Promise<void>;
let answers: Answer[];
let openVersion: string | undefined;
let shadows: ShadowScorer;

beforeAll(async () => {
  const [one, two, three] = ['1', '2', '3'].map(servedVersion) as [ReturnType<typeof servedVersion>, ReturnType<typeof servedVersion>, ReturnType<typeof servedVersion>];
  for (const { served, artifact } of [one, two, three]) versions.set(served.version, await LoadedModel.load('flights', served, { maxBatchSize: 16, maxDelayMs: 0 }, hostOf([artifact])));
  const assignment = assignmentOf({ model: 'flights', revision: 1, updatedAt: '', champion: one.served, challengers: [], shadows: [two.served, three.served] }, versions, new Set());
  const cache = new FeatureCache({ store: { read: async () => new Map() }, maxEntries: 10, isLagging: () => false, nowMs: clock.nowMs, logger });
  const fleet = { assignment: () => assignment };
  const { pipeline, scheduler } = pipelineOf(fleet, cache);
  answers = await pipeline.score(Array.from({ length: ROWS }, (_, index): Candidate => ({ request: requestOf(index), rejection: undefined })), pipeline.pickUp(), 'prompt');
  shadows = new ShadowScorer({ fleet, cache, scheduler, clock, logger, worker: 'w', producer: { sendAll: (messages) => send(messages) }, breakers: { allows: ({ version }) => version !== openVersion } });
});

beforeEach(() => {
  sent.length = 0;
  send = async (messages) => void sent.push(messages);
});

const requestOf = (index: number): ScoringRequest => ({
  lane: 'stream', source: '/test', id: `${index}`, row: undefined, attempt: 0, key: `${index}`, traceparent: undefined, coordinates: undefined, requestedAtMs: 0, occurredAt: undefined, occurredAtMs: 0,
  model: 'flights', version: undefined, entities: undefined, routingKey: undefined, team: undefined, deadlineMs: undefined, priority: 5, features: { hour: index }, tensors: undefined,
});

async function counted(version: string, result: string): Promise<number> {
  const line = (await renderMetrics()).split('\n').find((one) => one.startsWith('throughline_shadow_answers_total') && one.includes(`version="${version}"`) && one.includes(`result="${result}"`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

it('drops and counts what one shadow cannot publish, never fails for it, and goes on with the next shadow', async () => {
  send = async (messages) => {
    if (messages.some(({ value }) => String(value).includes('"version":"2"'))) throw new ContractError('unavailable', 'no broker');
    sent.push(messages);
  };
  await expect(shadows.shadow(answers)).resolves.toBeUndefined();
  expect(sent.map(({ length }) => length)).toEqual([ROWS]);
  expect([await counted('2', 'unavailable'), await counted('2', 'scored'), await counted('3', 'scored')]).toEqual([ROWS, 0, ROWS]);
});

it('drops and counts what comes while more rows than allowed are under way, and scores again afterwards', async () => {
  let acknowledge = (): void => {};
  send = (messages) => new Promise<void>((resolve) => {
    sent.push(messages);
    acknowledge = resolve;
  });
  const first = shadows.shadow(answers.slice(0, 6), 10);
  await expect.poll(() => sent.length).toBe(1);
  await shadows.shadow(answers.slice(6), 9);
  expect([await counted('2', 'overloaded'), await counted('3', 'overloaded')]).toEqual([4, 4]);
  acknowledge();
  await expect.poll(() => sent.length).toBe(2);
  acknowledge();
  await first;
  send = async (messages) => void sent.push(messages);
  await shadows.shadow(answers.slice(6), 9);
  expect(sent.map(({ length }) => length)).toEqual([6, 6, 4, 4]);
});

it('does not ask a shadow whose circuit is open, tells that it could not have answered, and counts that', async () => {
  openVersion = '2';
  await shadows.shadow(answers);
  openVersion = undefined;
  expect(sent.map(({ length }) => length)).toEqual([ROWS, ROWS]);
  const told = sent.flat().map(({ value }) => (JSON.parse(String(value)) as { data: { version: string; failed?: { code: string } } }).data);
  expect(told.map(({ version, failed }) => `${version} ${failed?.code ?? 'answers'}`)).toEqual([...Array.from({ length: ROWS }, () => '2 circuit_open'), ...Array.from({ length: ROWS }, () => '3 answers')]);
  expect(await counted('2', 'circuit_open')).toBe(ROWS);
});

it('lets every version go when it is done', async () => {
  send = async () => {
    throw new Error('defect');
  };
  await shadows.shadow(answers);
  for (const model of versions.values()) expect(Reflect.get(model, 'users')).toBe(0);
});
