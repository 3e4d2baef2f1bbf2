import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '@throughline/local-stack';
import { logisticRegressionGraph } from '@throughline/onnx';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { COMMAND, install, type Finished, type Installation } from './testing/installation.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let home: Installation;

beforeAll(async () => {
  home = await install();
  await Promise.all([home.start('model-registry'), home.start('inference-worker'), home.start('retraining-coordinator'), home.start('feature-store')]);
});
afterAll(() => home.close());

const graph = (bias: number): Uint8Array => logisticRegressionGraph({ weights: [0.1, -0.01], bias, mean: [0, 0], scale: [1, 1], featureNames: ['hour', 'distance'] });
const yaml = (name: string, more = ''): string => `
throughline: 1
name: ${name}
owner: ada@example.org
version:
  artifact: model.onnx
  features: [{name: hour, kind: numeric}, {name: distance, kind: numeric}]
  task: binary_classification
  score: {output: probability, threshold: 0.5}
  dataset: {snapshotId: test, sha256: "${createHash('sha256').update('rows').digest('hex')}"}
  codeCommit: 4f2a9c1
  metrics: {auc: 0.7}
serving:
  latencyBudgetMs: {inference: 2}
  fallbacks: [{kind: constant, outputs: {probability: [0.1]}}]
outcome: {positiveFrom: 15}
monitoring: {windowSeconds: {data: 3600}, alarms: [quality]}
${more}`;

/** A folder with a model's file and its artifact. */
function folderOf(name: string, text: string, bias = 0): string {
  const folder = join(home.folder, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), graph(bias));
  writeFileSync(join(folder, 'model.yaml'), text);
  return join(folder, 'model.yaml');
}
const apply = (file: string, ...args: string[]): Promise<Finished> => home.run('apply', file, '--yes', '--author', 'ada', ...args);
const registry = async (path: string): Promise<Record<string, unknown>> => (await fetch(`${home.env['REGISTRY_URL']}/registry/v1/models/${path}`)).json() as Promise<Record<string, unknown>>;
const infer = (model: string): Promise<Response> => fetch(`${home.workerUrl}/v2/models/${model}/infer`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ inputs: [{ name: 'hour', shape: [1], datatype: 'FP32', data: [17] }, { name: 'distance', shape: [1], datatype: 'FP32', data: [500] }] }) });

it('a plan changes nothing, a first apply makes everything, a second one has nothing to do', async () => {
  const file = folderOf('first', yaml('first'));
  const planned = await home.run('apply', file, '--plan');
  expect([planned.code, planned.err]).toEqual([0, '']);
  expect(planned.out).toContain('version: + create version 1 from model.onnx');
  expect((await fetch(`${home.env['REGISTRY_URL']}/registry/v1/models/first`)).status).toBe(404);

  const applied = await apply(file);
  expect([applied.code, applied.err]).toEqual([0, '']);
  expect(applied.out).toContain('✓ version 1 serves');
  expect(await registry('first/policy')).toMatchObject({ revision: 1, owner: 'ada@example.org', outcome: { positiveFrom: 15 }, author: 'ada' });
  expect(await registry('first/deployment')).toMatchObject({ revision: 1, champion: { version: '1' }, latencyBudgetMs: { inference: 2 }, outcome: { positiveFrom: 15 }, monitoring: { windowSeconds: { data: 3600 }, alarms: ['quality'] }, fallbacks: [{ kind: 'constant' }] });

  const again = await apply(file);
  expect([again.code, again.out.split('\n').at(-2)]).toEqual([0, 'No changes.']);
  expect(await registry('first/deployment')).toMatchObject({ revision: 1 });
});

it('a change is planned field by field and done, and what the file leaves out of a section is no longer so', async () => {
  const file = folderOf('first', yaml('first').replace('inference: 2', 'inference: 3').replace('  fallbacks: [{kind: constant, outputs: {probability: [0.1]}}]\n', '').replace('positiveFrom: 15', 'positiveFrom: 20').replace('data: 3600', 'data: 7200'));
  const { code, out } = await apply(file);
  expect(code).toBe(0);
  for (const line of ['= version 1 from model.onnx', '~ latencyBudgetMs.inference 2 -> 3', '- fallbacks', '~ outcome.positiveFrom 15 -> 20', '~ monitoring.windowSeconds.data 3600 -> 7200', 'champion: = version 1']) expect(out).toContain(line);
  const deployment = await registry('first/deployment');
  expect(deployment).toMatchObject({ latencyBudgetMs: { inference: 3 }, outcome: { positiveFrom: 20 } });
  expect(deployment).not.toHaveProperty('fallbacks');
});

it('what the registry holds for a mistake in a policy is said, for a role that is misspelt is withheld from nobody', async () => {
  const file = folderOf('discreet', yaml('discreet', 'privacy: {entities: {custmer: hash}}'));
  const applied = await apply(file);
  expect([applied.code, applied.err]).toEqual([0, '']);
  expect(applied.out).toContain('! privacy.entities names the role “custmer”, which no version declares');
});

it('a new artifact is a new version that becomes champion as the policy says; one that was replaced is not brought back unasked', async () => {
  const file = folderOf('first', yaml('first'), 1);
  expect((await apply(file)).out).toContain('✓ version 2 is champion');
  const old = folderOf('first', yaml('first'), 0);
  expect((await apply(old)).out).toContain('! version 2 serves, not the file’s version 1: it has been champion before, and was replaced; --promote brings it in all the same');
  expect(await registry('first/aliases/champion')).toMatchObject({ version: '2' });
  expect((await apply(old, '--promote')).code).toBe(0);
  expect(await registry('first/aliases/champion')).toMatchObject({ version: '1', author: 'ada' });
});

it('where the policy wants a rollout, a new version begins one, and applying again does not begin another', async () => {
  const rolled = (bias: number) => folderOf('rolled', yaml('rolled', 'promotion: {mode: rollout, rollout: {strategy: canary, steps: [{share: 0.5, minSeconds: 600}, {share: 1}]}}'), bias);
  expect((await apply(rolled(0))).out).toContain('✓ version 1 serves');
  expect(await apply(rolled(1))).toMatchObject({ code: 0, out: expect.stringMatching(/\+ a canary rollout of version 2 against champion 1[^]*✓ rollout [0-9a-f-]{36} of version 2 has begun/) });
  expect((await apply(rolled(1))).out).toMatch(/= version 1; the canary rollout .* of version 2 is under way\nNo changes\./);
  const changed = folderOf('rolled', readFileSync(rolled(1), 'utf8').replace('inference: 2', 'inference: 4'), 1);
  expect(await apply(changed)).toMatchObject({ code: 2, err: expect.stringMatching(/rollout_running: .*\n {2}cure: [^]*Nothing was changed before\. Apply again to go on from there\./) });
});

it('where the policy asks for an approval, a later version waits for it, and the rest of the file is applied', async () => {
  const approved = (bias: number) => folderOf('approved', yaml('approved', bias === 0 ? '' : 'promotion: {mode: approval}'), bias);
  expect((await apply(approved(0))).out).toContain('✓ version 1 serves');
  expect(await apply(approved(1))).toMatchObject({ code: 0, out: expect.stringContaining('! version 2 waits for an approver, who says: npx throughline models promote approved 2 --approve') });
  expect(await registry('approved/aliases/champion')).toMatchObject({ version: '1' });
  expect(await home.run('models', 'promote', 'approved', '2', '--approve', '--author', 'bob')).toMatchObject({ code: 0, out: 'champion of approved is version 2\n' });
  expect((await apply(approved(1))).out).toMatch(/No changes\.\n$/);
});

it('retraining with its schedule and feature views go to the services that keep them, and again change nothing', async () => {
  const text = (minLabels: number, window: number) => yaml('kept', `
retraining: {minLabels: ${minLabels}, schedule: {cron: "30 3 * * 1", timeZone: Europe/Berlin}}
featureViews:
  - name: airport
    entityType: airport
    features: [{name: mean_delay, event: flight_departed, aggregate: mean, field: delayMinutes, windowSeconds: ${window}}]
`);
  const applied = await apply(folderOf('kept', text(500, 3600)));
  expect([applied.code, applied.err]).toEqual([0, '']);
  expect(applied.out).toMatch(/✓ feature view airport is at version 1[^]*✓ retraining policy/);
  const policy = (await (await fetch(`${home.env['RETRAINING_URL']}/retraining/v1/models/kept/policy`)).json()) as { nextDueAt: string };
  expect(policy).toMatchObject({ minLabels: 500, schedule: { timeZone: 'Europe/Berlin' }, given: { minLabels: 500 } });
  expect(Date.parse(policy.nextDueAt)).toBeGreaterThan(Date.now());
  expect((await apply(folderOf('kept', text(500, 3600)))).out).toMatch(/No changes\.\n$/);
  expect((await apply(folderOf('kept', text(600, 7200)))).out).toMatch(/~ minLabels 500 -> 600[^]*✓ feature view airport is at version 2/);
});

it('a step that fails says what is done, and running again goes on from there', async () => {
  const broken = folderOf('broken', yaml('broken').replace('probability: [0.1]', 'chance: [0.1]'));
  const failed = await apply(broken);
  expect(failed).toMatchObject({ code: 2, err: expect.stringContaining('Done before: version 1 is in the registry; policy. Apply again to go on from there.') });
  expect((await apply(folderOf('broken', yaml('broken')))).out).toMatch(/= version 1 from model\.onnx[^]*✓ version 1 serves/);
});

it('a file with faults is refused with their places, and nothing is asked or changed', async () => {
  const file = folderOf('faulty', yaml('faulty').replace('owner:', 'ownr:'));
  expect(await home.run('apply', file)).toMatchObject({ code: 2, out: '', err: expect.stringContaining('model.yaml:4:1: “ownr” is no field of this file\n    Did you mean “owner”?') });
  expect(await home.run('apply', folderOf('faulty', yaml('faulty')))).toMatchObject({ code: 2, err: expect.stringContaining('there is no terminal to ask on') });
});

it('the second model is a copied file with another name and artifact, and answers seconds later', async () => {
  await apply(folderOf('one', yaml('one')));
  const startedMs = performance.now();
  const copied = folderOf('two', readFileSync(join(home.folder, 'one/model.yaml'), 'utf8').replace('name: one', 'name: two'), 0.5);
  expect((await apply(copied)).code).toBe(0);
  const appliedMs = performance.now();
  // The model's own answer: while it loads, its fallback gives one.
  const answer = async (): Promise<number | undefined> => ((await (await infer('two')).json()) as { outputs?: { name: string; data: number[] }[] }).outputs?.find(({ name }) => name === 'probability')?.data[0];
  await expect.poll(answer, { timeout: 20_000, interval: 20 }).toBeCloseTo(1 / (1 + Math.exp(-(1.7 - 5 + 0.5))), 5);
  const answeredMs = performance.now();
  process.stdout.write(`a second model: applied after ${Math.round(appliedMs - startedMs)} ms, first answer after another ${Math.round(answeredMs - appliedMs)} ms\n`);
  expect(answeredMs - startedMs).toBeLessThan(30_000);
});

it('the commands of docs/registry.md run as they stand there', async () => {
  const [, section] = readFileSync(join(repositoryRoot, 'docs/registry.md'), 'utf8').split('\n## One file\n');
  const commands = /```bash\n([^]*?)```/.exec(section!)![1]!;
  const here = commands.replaceAll('npx throughline', `${process.execPath} ${COMMAND}`).replaceAll('http://127.0.0.1:3000', home.workerUrl).replace('curl -s', 'curl -s --retry 20 --retry-all-errors --retry-delay 1 --fail');
  const { stdout } = await promisify(execFile)('bash', ['-euc', here], { cwd: home.folder, env: home.env });
  expect(stdout).toMatch(/\+ create version 1 from model\.rules\.json[^]*✓ version 1 serves[^]*✓ version 1 serves[^]*"data":\[0\.4\d*\]/);
});

it('init writes a file once', async () => {
  const folder = join(home.folder, 'new');
  expect(await home.run('init', '--dir', folder)).toMatchObject({ code: 0 });
  expect(await home.run('init', '--dir', folder)).toMatchObject({ code: 2, err: expect.stringContaining('already_exists') });
});
