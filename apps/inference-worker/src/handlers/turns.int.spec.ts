import { encodeEvent, type PredictionScored } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installation } from '../testing/installation.js';
import { numeric, signature, trees } from '../testing/models.js';

const FLOOD = 4_000;
const FEW = 100;
const features = Array.from({ length: 10 }, (_, index) => numeric(`f${index}`));
const OWN = 'prediction.requested.v1.vip';

let installation: Installation;
let worker: RunningService | undefined;

const request = (id: string, more: { topic?: string; team?: string; priority?: number; deadlineMs?: number } = {}) => {
  const { topic = 'prediction.requested.v1', ...data } = more;
  const event = { model: 'trees', features: Object.fromEntries(features.map(({ name }, column) => [name, Math.sin(column)])), ...data };
  return { topic: topic as 'prediction.requested.v1', key: id, ...encodeEvent('prediction.requested.v1', { id, source: '/turns', timeMs: Date.now(), data: event }) };
};
const many = (count: number, name: string, more: Parameters<typeof request>[1] = {}) => Array.from({ length: count }, (_, n) => request(`${name} ${n}`, more));
const deploy = (revision: number, more = {}): Promise<void> =>
  // Small runs of a model that is not fast: who waits does so in the queue.
  installation.deploy({ model: 'trees', revision, champion: installation.version('1', trees(10), signature(features)), batching: { maxBatchSize: 16 }, ...more });

/** What came out of a scenario whose messages stand in the topics before a worker looks. */
async function answersTo(messages: ReturnType<typeof request>[]): Promise<PredictionScored[]> {
  const { answers } = installation;
  const before = { scored: answers.scored.length, rejected: answers.rejected.length };
  await worker?.close();
  for (let from = 0; from < messages.length; from += 1000) await installation.send(...messages.slice(from, from + 1000));
  worker = await installation.startWorker();
  await answers.until(`${messages.length} answers`, () => answers.scored.length + answers.rejected.length >= before.scored + before.rejected + messages.length, 60_000);
  return answers.scored.slice(before.scored).map(({ data }) => data);
}

const p99QueueMs = (answers: readonly PredictionScored[], name: string): number => {
  const waits = answers.filter(({ requestId }) => requestId.startsWith(`${name} `)).map(({ timingsMs }) => timingsMs.queue!).sort((a, b) => a - b);
  expect(waits.length).toBeGreaterThan(0);
  return waits[Math.floor(waits.length * 0.99)]!;
};

beforeAll(async () => {
  installation = await Installation.create();
  await deploy(1);
}, 60_000);

afterAll(async () => {
  await worker?.close();
  await installation?.close();
});

describe('what a worker has buffered', () => {
  it('is scored in turns between teams: a flood delays itself, not a team that asks little', async () => {
    const answers = await answersTo([...many(FLOOD, 'flood', { team: 'flood' }), ...many(FEW, 'small', { team: 'small' })]);
    expect(p99QueueMs(answers, 'small')).toBeLessThan(p99QueueMs(answers, 'flood') * 0.6);
  }, 90_000);

  it('is scored by priority, 1 first', async () => {
    const answers = await answersTo([...many(FLOOD, 'patient', { priority: 9 }), ...many(FEW, 'urgent', { priority: 1 })]);
    expect(p99QueueMs(answers, 'urgent')).toBeLessThan(p99QueueMs(answers, 'patient') * 0.6);
  }, 90_000);

  it('is scored with the batch lane last, which goes on all the same', async () => {
    const answers = await answersTo([...many(FLOOD, 'batch', { topic: 'prediction.requested.batch.v1' }), ...many(FLOOD, 'stream')]);
    const last = (lane: string): number => answers.findLastIndex(({ lane: of }) => of === lane);
    expect(last('stream')).toBeLessThan(last('batch'));
    // Between the first and the last answer of the prompt lane there are some of the other one.
    const first = answers.findIndex(({ lane }) => lane === 'stream');
    expect(answers.slice(first, last('stream')).some(({ lane }) => lane === 'batch')).toBe(true);
  }, 90_000);

  it('is refused where it would be late, and nothing else is harmed', async () => {
    const before = installation.answers.rejected.length;
    const answers = await answersTo([...many(FLOOD, 'calm'), ...many(FEW, 'hurry', { deadlineMs: 1 })]);
    expect(answers.filter(({ requestId }) => requestId.startsWith('calm '))).toHaveLength(FLOOD);
    const rejected = installation.answers.rejected.slice(before);
    expect(rejected.map(({ data: { code } }) => code)).toEqual(Array.from({ length: FEW }, () => 'deadline_exceeded'));
  }, 90_000);
});

describe('a request topic of a deployment’s own', () => {
  it('is read as soon as a deployment names it, has turns of its own, and names itself in the answers', async () => {
    await deploy(2, { requestTopics: [OWN] });
    await installation.bus.admin.ensureTopic(OWN);
    const answers = await answersTo([...many(FLOOD, 'everybody'), ...many(FEW, 'vip', { topic: OWN })]);
    expect(p99QueueMs(answers, 'vip')).toBeLessThan(p99QueueMs(answers, 'everybody') * 0.6);
    const vip = answers.filter(({ requestId }) => requestId.startsWith('vip '));
    expect(vip.every(({ requestCoordinates }) => requestCoordinates!.startsWith(`${OWN}/`))).toBe(true);
  }, 90_000);

  it('is joined and left while the worker runs', async () => {
    const other = `${OWN}-2`;
    await deploy(3, { requestTopics: [OWN, other] });
    // Whoever sends first waits for the topic: the worker makes it when the deployment names it.
    await expect.poll(() => installation.bus.admin.offsets(other as typeof OWN).then((partitions) => partitions.length, () => 0), { timeout: 20_000 }).toBeGreaterThan(0);
    await installation.send(request('in the new topic', { topic: other }));
    expect(await installation.answers.scoredOf('in the new topic')).toMatchObject({ lane: 'stream', requestCoordinates: expect.stringMatching(`^${other.replaceAll('.', '\\.')}/`) });
    await deploy(4, { requestTopics: [] });
    await installation.send(request('to everybody'));
    await installation.answers.scoredOf('to everybody');
  }, 60_000);
});
