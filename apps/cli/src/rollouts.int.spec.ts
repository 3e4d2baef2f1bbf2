import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logisticRegressionGraph } from '@throughline/onnx';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { install, type Installation } from './testing/installation.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

let home: Installation;
let traffic: AbortController;
let answering: Promise<void>;

beforeAll(async () => {
  home = await install();
  await Promise.all([home.start('model-registry'), home.start('inference-worker')]);
  const metadata = join(home.folder, 'metadata.json');
  writeFileSync(metadata, JSON.stringify({ features: [{ name: 'hour', kind: 'numeric' }], task: 'binary_classification', score: { output: 'probability', threshold: 0.5 }, dataset: 'test', codeCommit: '4f2a9c1', metrics: { auc: 0.7 } }));
  for (const bias of [0, 0.01, 0.02]) {
    const artifact = join(home.folder, 'model.onnx');
    writeFileSync(artifact, logisticRegressionGraph({ weights: [0.1], bias, mean: [0], scale: [1], featureNames: ['hour'] }));
    const { code, err } = await home.run('models', 'push', 'hours', '--artifact', artifact, '--metadata', metadata);
    if (code !== 0) throw new Error(err);
  }
  await home.run('models', 'promote', 'hours', '1');
  traffic = new AbortController();
  answering = keepAsking(traffic.signal);
});
afterAll(async () => {
  traffic.abort();
  await answering;
  await home.close();
});

/** What the options do not say: guards that are asked all the time, because a step ends no sooner than they are. */
function often(): string {
  const spec = join(home.folder, 'often.yaml');
  writeFileSync(spec, 'evaluateEverySeconds: 0.2\n');
  return spec;
}

/** Requests of many routing keys, so that every arm has some. */
async function keepAsking(signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n += 1) {
    const body = { parameters: { routingKey: `key-${n % 997}` }, inputs: [{ name: 'hour', shape: [1], datatype: 'FP32', data: [n % 24] }] };
    await fetch(`${home.workerUrl}/v2/models/hours/infer`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
const registry = async <T>(path: string): Promise<T> => (await (await fetch(`${home.env['REGISTRY_URL']}/registry/v1/models/hours/${path}`)).json()) as T;
const champion = async (): Promise<unknown> => (await registry<{ version: string }>('aliases/champion')).version;
const rollouts = (): Promise<Record<string, unknown>[]> => registry('rollouts');

it('a canary that is started and watched says step by step how far it is, and ends with the candidate as champion; models rollback is the way back', async () => {
  const watched = await home.run('rollouts', 'start', 'hours', '--candidate', '2', '--spec', often(), '--shares', '50,100', '--step-seconds', '1', '--step-predictions', '40', '--reason', 'a test', '--watch');
  expect([watched.code, watched.err]).toEqual([0, '']);
  expect(watched.out).toMatch(/rollout [0-9a-f-]{36} has begun: hours: canary of version 2 against 1/);
  expect(watched.out).toMatch(/running, step 1 of 2, 50 % of the traffic/);
  expect(watched.out).toMatch(/promoted[^\n]*\n$/);
  expect(await champion()).toBe('2');

  expect((await home.run('rollouts', 'list', 'hours')).out).toMatch(/^hours +[0-9a-f-]{36} +canary +2 +1 +promoted/m);
  const report = await home.run('rollouts', 'report', 'hours');
  expect([report.code, report.err]).toEqual([0, '']);
  expect(report.out).toMatch(/^ {2}candidate +\d+ answers, 0 outcomes, errors 0 %/m);
  expect(report.out).toContain('error_rate');
  expect(await home.run('models', 'rollback', 'hours', '--reason', 'a test')).toMatchObject({ code: 0, out: 'version 1 of hours serves\n' });
  expect(await champion()).toBe('1');
});

it('a rollout is held, goes on, is taken back by models rollback, and whoever watches it learns that with an exit code of 1', async () => {
  const spec = join(home.folder, 'canary.yaml');
  writeFileSync(spec, 'strategy: canary\nsteps:\n  - {share: 0.5, minSeconds: 600}\n  - {share: 1}\nguards: [{kind: error_rate, maxIncrease: 0.2}]\nevaluateEverySeconds: 0.2\n');
  const started = await home.run('rollouts', 'start', 'hours', '--candidate', '3', '--spec', spec);
  expect([started.code, started.err]).toEqual([0, '']);
  const watching = home.launch('rollouts', 'watch', 'hours');
  await expect.poll(async () => (await rollouts())[0]?.['step'], { timeout: 120_000 }).toBe(1);
  expect((await home.run('rollouts', 'show', 'hours')).out).toMatch(/step 1 of 2, 50 % of the traffic\n {2}time +[█░]{24} \d+ of 600 s/);
  expect((await home.run('rollouts', 'pause', 'hours')).out).toMatch(/: paused, step 1 of 2/);
  expect((await home.run('rollouts', 'resume', 'hours')).out).toMatch(/: running, step 1 of 2/);
  expect(await home.run('models', 'promote', 'hours', '2')).toMatchObject({ code: 2, err: expect.stringContaining('rollout_running') });
  expect((await home.run('models', 'rollback', 'hours')).out).toMatch(/^rollout [0-9a-f-]{36} is aborted; version 1 of hours serves\n$/);
  expect(await watching.finished).toMatchObject({ code: 1, out: expect.stringMatching(/: aborted/) });
  expect(await home.run('rollouts', 'pause', 'hours')).toMatchObject({ code: 2, err: expect.stringContaining('no rollout of “hours” is running') });
});

it('a shadow that is promoted by hand is champion; its report compares the pairs', async () => {
  expect((await home.run('rollouts', 'start', 'hours', '--candidate', '3', '--strategy', 'shadow', '--step-seconds', '600')).code).toBe(0);
  const [{ id } = {}] = await rollouts();
  await expect.poll(async () => (await registry<{ scoreDifference?: { comparisons: number } }>(`rollouts/${id}/report`)).scoreDifference?.comparisons ?? 0, { timeout: 120_000 }).toBeGreaterThan(0);
  expect((await home.run('rollouts', 'report', 'hours')).out).toMatch(/the same decision on [\d.]+ % of [\d,]+ predictions\n\nscore, candidate minus champion, of [\d,]+ predictions\n.*█/);
  expect((await home.run('rollouts', 'promote', 'hours', '--reason', 'seen enough')).out).toMatch(/: promoted/);
  expect(await champion()).toBe('3');
});

it('where the policy asks for an approval, a rollout begins with one', async () => {
  const policy = { promotion: { mode: 'approval' }, author: 'ada' };
  await fetch(`${home.env['REGISTRY_URL']}/registry/v1/models/hours/policy`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(policy) });
  const start = (...args: string[]) => home.run('rollouts', 'start', 'hours', '--candidate', '2', '--strategy', 'shadow', ...args);
  expect(await start()).toMatchObject({ code: 2, err: expect.stringContaining('approval_required') });
  expect(await start('--approve', '--author', 'bob')).toMatchObject({ code: 0, out: expect.stringContaining('has begun') });
  expect((await home.run('rollouts', 'abort', 'hours')).code).toBe(0);
});
