import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OwnTopic } from '@throughline/bus/client';
import { encodeEvent } from '@throughline/contracts';
import { logisticRegressionGraph } from '@throughline/onnx';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { install, type Installation } from './testing/installation.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const RULES = { throughlineRules: 1, features: [{ name: 'hour', kind: 'numeric' }], outputs: { probability: 'hour >= 17.0 ? 0.4 : 0.15' }, score: 'probability', threshold: 0.5 };

let home: Installation;
const file = (name: string, content: unknown): string => {
  const path = join(home.folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
};

beforeAll(async () => {
  home = await install();
  await home.start('model-registry');
});
afterAll(() => home.close());

it('models push uploads a rules document that needs no metadata, in either order of words', async () => {
  const rules = file('model.rules.json', RULES);
  const pushed = await home.run('models', 'push', rules, '--name', 'heuristic');
  expect([pushed.code, pushed.out]).toEqual([0, expect.stringContaining('heuristic version 1')]);
  expect((await home.run('models', 'push', 'heuristic', '--artifact', rules)).out).toContain('heuristic version 1');
  expect((await home.run('models', 'list', 'heuristic')).out).toMatch(/^1 +rules /m);
});

it('rules that were pushed and promoted answer, also requests on a topic of their deployment’s own', async () => {
  const topic: OwnTopic = 'prediction.requested.v1.evening';
  expect((await home.run('models', 'promote', 'heuristic', '1')).code).toBe(0);
  const deployed = await fetch(`${home.env['REGISTRY_URL']}/registry/v1/models/heuristic/deployment`, {
    method: 'PUT', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ champion: '1', requestTopics: [topic], latencyBudgetMs: { inference: 1 }, fallbacks: [{ kind: 'constant', outputs: { probability: [0.2] } }] }),
  });
  expect(await deployed.json()).toMatchObject({ revision: 2, champion: { format: 'rules' }, fallbacks: [{ kind: 'constant', score: 0.2 }] });
  await home.start('inference-worker');
  const scores = new Map<string, number | undefined>();
  const follow = await home.bus.follow({ topic: 'prediction.scored.v1', onEvent: ({ data }) => void scores.set(`${data.requestId} ${data.requestCoordinates}`, data.score) });
  await home.bus.producer.sendAll([9, 18].map((hour) => ({ topic, key: 'k', ...encodeEvent('prediction.requested.v1', { id: `at-${hour}`, source: '/test', timeMs: Date.now(), data: { model: 'heuristic', features: { hour } } }) })));
  await expect.poll(() => [...scores.values()].toSorted(), { timeout: 30_000 }).toEqual([0.15, 0.4]);
  expect([...scores.keys()].every((key) => key.includes(topic))).toBe(true);
  await follow.stop();
});

it('models push says what a version does not say of its making, and promote takes it only if somebody answers for it', async () => {
  const artifact = join(home.folder, 'silent.onnx');
  writeFileSync(artifact, logisticRegressionGraph({ weights: [1], bias: 0, mean: [0], scale: [1], featureNames: ['hour'] }));
  const metadata = file('silent.json', { features: RULES.features, task: 'binary_classification', metrics: { auc: 0.7 } });
  expect((await home.run('models', 'push', 'silent', '--artifact', artifact, '--metadata', metadata)).out).toMatch(/does not say its dataset, codeCommit.*promote silent 1 --override/);
  expect(await home.run('models', 'promote', 'silent', '1')).toMatchObject({ code: 2, err: expect.stringContaining('lineage_incomplete') });
  expect((await home.run('models', 'promote', 'silent', '1', '--author', 'ada', '--override', 'scored by hand')).code).toBe(0);
  const version = await fetch(`${home.env['REGISTRY_URL']}/registry/v1/models/silent/versions/1`);
  expect(await version.json()).toMatchObject({ overrides: [{ author: 'ada', reason: 'scored by hand' }] });
});

it('models push sends a signature along, as openssl writes it', async () => {
  const [rules, key, signature] = [file('signed.rules.json', RULES), join(home.folder, 'key.pem'), join(home.folder, 'signed.sig')];
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', key]);
  execFileSync('openssl', ['pkeyutl', '-sign', '-inkey', key, '-rawin', '-in', rules, '-out', signature]);
  expect((await home.run('models', 'push', 'signed', '--artifact', rules, '--signature', signature)).code).toBe(0);
  const version = await fetch(`${home.env['REGISTRY_URL']}/registry/v1/models/signed/versions/1`);
  expect(await version.json()).toMatchObject({ artifactSignature: readFileSync(signature).toString('base64') });
});

it('models push shows where in a rule the fault is and what to do', async () => {
  const { code, err } = await home.run('models', 'push', file('bad.rules.json', { ...RULES, outputs: { probability: 'hour >= ? 0.4 : 0.15' } }), '--name', 'bad');
  expect([code, err]).toEqual([2, expect.stringMatching(/rules_invalid.*output “probability”, character \d+/s)]);
});

it('models push refuses to guess the file', async () => {
  expect(await home.run('models', 'push', 'heuristic')).toMatchObject({ code: 2, err: expect.stringContaining('not clear which file') });
  expect(await home.run('models', 'push', 'a.onnx', '--name', 'm', '--artifact', 'b.onnx')).toMatchObject({ code: 2, err: expect.stringContaining('two files') });
  expect(await home.run('models', 'push', file('model.onnx', 'x'), '--name', 'm')).toMatchObject({ code: 2, err: expect.stringContaining('part “metadata” is missing') });
});
