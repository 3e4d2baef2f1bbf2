import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

it('models push shows where in a rule the fault is and what to do', async () => {
  const { code, err } = await home.run('models', 'push', file('bad.rules.json', { ...RULES, outputs: { probability: 'hour >= ? 0.4 : 0.15' } }), '--name', 'bad');
  expect([code, err]).toEqual([2, expect.stringMatching(/rules_invalid.*output “probability”, character \d+/s)]);
});

it('models push refuses to guess the file', async () => {
  expect(await home.run('models', 'push', 'heuristic')).toMatchObject({ code: 2, err: expect.stringContaining('not clear which file') });
  expect(await home.run('models', 'push', 'a.onnx', '--name', 'm', '--artifact', 'b.onnx')).toMatchObject({ code: 2, err: expect.stringContaining('two files') });
  expect(await home.run('models', 'push', file('model.onnx', 'x'), '--name', 'm')).toMatchObject({ code: 2, err: expect.stringContaining('part “metadata” is missing') });
});
