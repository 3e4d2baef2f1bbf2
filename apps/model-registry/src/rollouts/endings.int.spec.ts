import type { RunningService } from '@throughline/http';
import { identityGraph } from '@throughline/onnx';
import { eventually } from '@throughline/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Client, graph, Installation, METADATA } from '../testing/harness.js';
import { Serving } from './testing/serving.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let installation: Installation;
let service: RunningService;
let registry: Client;
let serving: Serving;

beforeAll(async () => {
  installation = await Installation.create();
  service = await installation.start();
  registry = new Client(service.url);
  serving = await Serving.start(installation.bus);
});
afterAll(async () => {
  await serving.stop();
  await service.close();
  await installation.remove();
});

/** Versions 1 to `count`, each of which became champion after the one before, up to `champion`. */
async function withChampions(model: string, count: number, champion: number): Promise<string> {
  const path = `/models/${model}`;
  for (let bias = 0; bias < count; bias += 1) await registry.upload(model, { artifact: graph(bias) });
  for (let version = 1; version <= champion; version += 1) expect((await registry.put(`${path}/aliases/champion`, { version: String(version), author: 'ada' })).status).toBe(200);
  return path;
}

const deploymentOf = async (path: string) => (await registry.get(`${path}/deployment`)).body;
type Outputs = { outputs: { name: string; shape: number[] }[] };
const zerosOf = (outputs: Outputs['outputs']) => Object.fromEntries(outputs.map(({ name, shape }) => [name, new Array<number>(Math.max(1, shape.at(-1)!)).fill(0)]));
const rollBack = (path: string) => registry.call('POST', `${path}/rollback`, { author: 'bob' });

/** A blue-green whose candidate has taken over, and stays. */
async function baking(path: string, candidate: string): Promise<string> {
  const answer = await registry.call('POST', `${path}/rollouts`, { strategy: 'blue_green', candidate, guards: [], steps: [{ minSeconds: 3600 }], author: 'ada' });
  expect(answer.status).toBe(201);
  const rollout = `${path}/rollouts/${answer.body.id}`;
  await eventually('the candidate serves', async () => (await registry.get(rollout)).body.step === 1);
  return rollout;
}

describe('a candidate that was taken back', () => {
  it('is nobody’s champion before: a rollback does not bring it in, and it stands in for nobody', async () => {
    const path = await withChampions('taken-back', 3, 2);
    const { body } = await registry.put(`${path}/deployment`, { champion: '2', fallbacks: [{ kind: 'previous_version' }], author: 'ada' });
    expect(body.fallbacks).toMatchObject([{ served: { version: '1' } }]);
    const rollout = await baking(path, '3');
    expect((await registry.call('POST', `${rollout}/abort`, {})).status).toBe(200);
    expect(await deploymentOf(path)).toMatchObject({ champion: { version: '2' }, fallbacks: [{ served: { version: '1' } }] });
    expect(await rollBack(path)).toMatchObject({ status: 200, body: { champion: '1' } });
  });
});

describe('the way back', () => {
  it('asked for twice goes on to what served before, never forward again to what was left', async () => {
    const path = await withChampions('twice', 3, 3);
    expect((await rollBack(path)).body).toEqual({ champion: '2' });
    expect((await rollBack(path)).body).toEqual({ champion: '1' });
    expect(await rollBack(path)).toMatchObject({ status: 409, body: { code: 'conflict' } });
    await registry.put(`${path}/aliases/champion`, { version: '3', author: 'ada' });
    expect((await rollBack(path)).body).toEqual({ champion: '1' });
  });

  it('to a version that answers otherwise takes the fallbacks along that it had', async () => {
    const path = await withChampions('otherwise', 1, 1);
    const constantOf = async () => {
      const { outputs } = (await deploymentOf(path)).champion.signature as Outputs;
      return { kind: 'constant', outputs: zerosOf(outputs) };
    };
    const first = await constantOf();
    expect((await registry.put(`${path}/deployment`, { champion: '1', fallbacks: [first], author: 'ada' })).status).toBe(200);
    await registry.upload('otherwise', { artifact: identityGraph(2), metadata: { ...METADATA, task: 'other' } });
    expect((await registry.put(`${path}/deployment`, { champion: '2', author: 'ada' })).status).toBe(200);
    expect((await registry.put(`${path}/deployment`, { champion: '2', fallbacks: [await constantOf()], author: 'ada' })).status).toBe(200);
    expect(await rollBack(path)).toMatchObject({ status: 200, body: { champion: '1' } });
    expect(await deploymentOf(path)).toMatchObject({ champion: { version: '1' }, fallbacks: [first] });
  });

  it('of a rollout is not cut off by archiving what it goes back to', async () => {
    const path = await withChampions('cut-off', 3, 2);
    await registry.put(`${path}/deployment`, { champion: '2', fallbacks: [{ kind: 'previous_version' }], author: 'ada' });
    const rollout = await baking(path, '3');
    expect(await registry.call('DELETE', `${path}/versions/1`)).toMatchObject({ status: 409, body: { code: 'in_use', detail: expect.stringContaining('rollout') } });
    expect((await registry.call('POST', `${rollout}/abort`, {})).status).toBe(200);
  });
});

it('a rollout whose candidate could not be promoted, because a fallback does not answer like it, is refused at its start', async () => {
  const path = await withChampions('unfit', 1, 1);
  const { outputs } = (await deploymentOf(path)).champion.signature as Outputs;
  const constant = { kind: 'constant', outputs: zerosOf(outputs) };
  expect((await registry.put(`${path}/deployment`, { champion: '1', fallbacks: [constant], author: 'ada' })).status).toBe(200);
  expect((await registry.upload('unfit', { artifact: identityGraph(2), metadata: { ...METADATA, task: 'other' } })).body).toMatchObject({ version: '2' });
  const start = (strategy: string) => registry.call('POST', `${path}/rollouts`, { strategy, candidate: '2', allowSignatureChange: true, guards: [], author: 'ada' });
  expect(await start('canary')).toMatchObject({ status: 400, body: { code: 'invalid_request', detail: expect.stringContaining('fallbacks.0') } });
  // It only watches.
  expect(await start('shadow')).toMatchObject({ status: 201 });
});

it('where the policy asks for rollouts a raced alias begins one of them, and only against the champion that its writer had seen', async () => {
  const path = await withChampions('raced', 3, 1);
  await registry.put(`${path}/policy`, { promotion: { mode: 'rollout' }, author: 'ada' });
  const move = (version: string, expected: string) => registry.put(`${path}/aliases/champion`, { version, expected, author: 'ada' });
  expect(await move('2', '3')).toMatchObject({ status: 409, body: { code: 'conflict', detail: expect.stringContaining('version 1, not version 3') } });
  const answers = await Promise.all([move('2', '1'), move('3', '1'), move('2', '1')]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 409, 409]);
});
