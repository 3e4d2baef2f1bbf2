import type { AlertRaised } from '@throughline/contracts';
import type { SpawnedService } from '@throughline/testing';
import { eventually } from '@throughline/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Client, graph, Installation, type Answer } from '../testing/harness.js';
import { spawnRegistry } from './evidence/testing/spawned.js';
import { Serving } from './testing/serving.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let installation: Installation;
let serving: Serving;
let running: SpawnedService | undefined;
let registry: Client;
const alerts: AlertRaised[] = [];
let stopAlerts: () => Promise<void>;

beforeAll(async () => {
  installation = await Installation.create();
  serving = await Serving.start(installation.bus);
  const following = await installation.bus.follow({ topic: 'alert.raised.v1', onEvent: ({ data }) => void alerts.push(data) });
  stopAlerts = () => following.stop();
});
afterEach(() => running?.crash());
afterAll(async () => {
  await stopAlerts();
  await serving.stop();
  await installation.remove();
});

async function start(): Promise<void> {
  running = await spawnRegistry(installation.env);
  registry = new Client(running.url);
}

async function killAndRestart(): Promise<void> {
  await running!.crash();
  await start();
}

async function withRollout(model: string, body: object): Promise<string> {
  await start();
  for (const bias of [0, 1]) await registry.upload(model, { artifact: graph(bias) });
  await registry.put(`/models/${model}/aliases/champion`, { version: '1', author: 'ada' });
  const answer = await registry.call('POST', `/models/${model}/rollouts`, { strategy: 'canary', candidate: '2', evaluateEverySeconds: 0.1, author: 'ada', ...body });
  expect(answer.status).toBe(201);
  return `/models/${model}/rollouts/${answer.body.id}`;
}

const read = async (path: string): Promise<Answer['body']> => (await registry.get(path)).body;
const until = (path: string, what: string, isSo: (body: Answer['body']) => boolean) => eventually(what, async () => {
  const body = await read(path);
  return isSo(body) && body;
}, 60_000);

describe('a registry that is killed', () => {
  it('at every step of a canary: the rollout goes on and completes, every step once, every answer counted once', async () => {
    const steps = [0.2, 0.6, 1].map((share) => ({ share, minSeconds: 0, minPredictions: 400, minOutcomes: 0 }));
    const rollout = await withRollout('survivor', { steps, guards: [{ kind: 'error_rate', minSamples: 50, maxIncrease: 0.05 }] });
    await killAndRestart();
    let published = 0;
    for (const step of [1, 2, 3]) {
      await until(rollout, `step ${step}`, (body) => body.step === step);
      await eventually(`workers are at step ${step}`, async () => serving.latest('survivor')?.rollout?.step === step);
      // In the midst of counting, and again.
      published += (await serving.answer('survivor', 300)).length;
      await killAndRestart();
      const rest = { 1: 2000, 2: 500, 3: 300 }[step]!;
      published += (await serving.answer('survivor', rest)).length;
      await killAndRestart();
    }
    const over = await until(rollout, 'the end', ({ endedAt }) => endedAt !== undefined);
    expect(over).toMatchObject({ status: 'promoted' });
    expect((await read('/models/survivor/aliases/champion')).version).toBe('2');
    expect((await read(`${rollout}/events`)).map(({ kind, step }: { kind: string; step: number }) => `${kind} ${step}`)).toEqual(['started 0', 'advanced 1', 'advanced 2', 'advanced 3', 'promoted 3']);
    expect((await read('/models/survivor/aliases/champion/history'))).toHaveLength(2);
    const revisions = serving.deployments.filter(({ model }) => model === 'survivor').map(({ revision }) => revision);
    expect([...new Set(revisions)]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    const counted = await eventually('everything is counted', async () => {
      const [row] = await installation.sql(`SELECT sum(count)::int AS answers FROM rollout_sums WHERE rollout_id = '${over.id}' AND measure = 'error'`);
      return Number(row!['answers']) >= published && Number(row!['answers']);
    });
    expect(counted).toBe(published);
  });

  it('again and again while a bad candidate is on trial: it is rolled back, once, with one alert', async () => {
    const rollout = await withRollout('relapse', { steps: [{ share: 0.5, minSeconds: 3600 }, { share: 1 }], guards: [{ kind: 'error_rate', minSamples: 100, maxIncrease: 0.02 }], consecutiveBreaches: 2 });
    await until(rollout, 'step 1', ({ step }) => step === 1);
    await eventually('workers are at step 1', async () => serving.latest('relapse')?.rollout?.step === 1);
    for (let round = 0; round < 4; round += 1) {
      await serving.answer('relapse', 150, { failsOf: (version) => version === '2' });
      await killAndRestart();
    }
    const over = await eventually('the end', async () => {
      await serving.answer('relapse', 100, { failsOf: (version) => version === '2' });
      const body = await read(rollout);
      return body.endedAt !== undefined && body;
    }, 60_000);
    expect(over).toMatchObject({ status: 'rolled_back' });
    expect((await read('/models/relapse/deployment'))).toMatchObject({ champion: { version: '1' }, challengers: [] });
    const events = await read(`${rollout}/events`);
    expect(events.filter(({ kind }: { kind: string }) => kind === 'rolled_back')).toHaveLength(1);
    expect(await read(`${rollout}/events/${events.at(-1).id}/replay`)).toMatchObject({ same: true });
    await eventually('the alert', async () => alerts.some(({ model }) => model === 'relapse'));
    expect(new Set(alerts.filter(({ model }) => model === 'relapse').map(({ alertId }) => alertId)).size).toBe(1);
  });
});
