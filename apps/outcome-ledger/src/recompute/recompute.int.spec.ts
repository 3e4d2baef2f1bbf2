import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelSignature, PredictionScored, ServedVersion } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { identityGraph, slowLoadGraph, slowRunGraph, wideAnswerGraph } from '@throughline/onnx';
import { eventually } from '@throughline/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployment, idOf, rejected, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import type { Recomputation } from './recomputations.js';
import { startRegistry, type TestRegistry } from './testing/registry.js';

const numeric = (...names: string[]): ModelSignature['features'] => names.map((name) => ({ name, kind: 'numeric', allowNaN: true }));
const graphSignature = (features: string[], output: string, width: number): ModelSignature => ({
  inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, features.length] }], outputs: [{ name: output, datatype: 'FP32', shape: [-1, width] }], features: numeric(...features), task: 'other', score: { output, index: 0 },
});
const RULES = JSON.stringify({
  throughlineRules: 1, features: [{ name: 'hour', kind: 'numeric' }, { name: 'origin', kind: 'categorical' }],
  outputs: { probability: 'origin == "SFO" ? hour / 3.0 : 0.0', isLate: 'hour > 12.0' }, score: 'probability',
});
const RULES_SIGNATURE: ModelSignature = {
  inputs: [], outputs: [{ name: 'probability', datatype: 'FP64', shape: [-1] }, { name: 'isLate', datatype: 'BOOL', shape: [-1] }], task: 'other', score: { output: 'probability', index: 0 },
  features: [{ name: 'hour', kind: 'numeric' }, { name: 'origin', kind: 'categorical' }],
};

/** A loader keeps each product: the larger they are, the fewer bytes a second it takes, and time must end before memory does, on fast machines too. */
const SLOW_SIZE = 2400;

let home: Installation;
let registry: TestRegistry;
let ledger: RunningService;
let scratch: string;
let echo: ServedVersion;
let rules: ServedVersion;
const hostile: Record<string, ServedVersion> = {};

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'ledger-recompute-'));
  registry = await startRegistry();
  home = await install({ REGISTRY_URL: registry.url, THROUGHLINE_HOME: scratch, RECOMPUTE_TIMEOUT_MS: '3000', RECOMPUTE_MEMORY_MAX_BYTES: String(800 * 1024 ** 2) });
  echo = registry.version('1', identityGraph(3), graphSignature(['a', 'b', 'c'], 'output', 3));
  rules = registry.version('1', Buffer.from(RULES), RULES_SIGNATURE, { format: 'rules' });
  hostile['slow to load'] = registry.version('1', slowLoadGraph({ size: SLOW_SIZE, steps: 5000 }), graphSignature(Array.from({ length: SLOW_SIZE }, (_, index) => `f${index}`), 'output', SLOW_SIZE));
  hostile['slow to run'] = registry.version('1', slowRunGraph({ features: 1, size: 1500, steps: 4000 }), graphSignature(['a'], 'probability', 1));
  hostile['too large'] = registry.version('1', wideAnswerGraph(400_000_000), graphSignature(['a', 'b'], 'output', 400_000_000));
  hostile['too wide'] = registry.version('1', wideAnswerGraph(1_000_000), graphSignature(['a', 'b'], 'output', 1_000_000));
  hostile['no graph'] = registry.version('1', Buffer.from('nothing that anybody could load'), graphSignature(['a', 'b'], 'output', 1));
  const deployments = [deployment({ model: 'echo', champion: echo }), deployment({ model: 'by-rule', champion: rules }), ...Object.entries(hostile).map(([model, champion]) => deployment({ model, champion }))];
  await home.publish('model.deployment.v1', deployments.map((data) => ({ key: data.model, data })));
  ledger = await home.startLedger();
});

afterAll(async () => {
  await home?.close();
  registry?.close();
  rmSync(scratch, { recursive: true, force: true });
});

const ask = (path: string, body?: unknown): Promise<Response> => fetch(`${ledger.url}${path}`, body === undefined ? { method: 'POST' } : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const recompute = async (requestId: string): Promise<Recomputation> => {
  const answer = await ask(`/ledger/v1/predictions/${idOf(requestId)}/recompute`);
  const body = (await answer.json()) as Recomputation;
  expect(answer.status, JSON.stringify(body)).toBe(200);
  return body;
};

/** Puts answers on record. */
async function served(...answers: [requestId: string, over: Partial<PredictionScored>][]): Promise<void> {
  await home.publish('prediction.scored.v1', answers.map(([requestId, over]) => ({ key: requestId, data: scored(requestId, over) })));
  const ids = answers.map(([requestId]) => idOf(requestId));
  await eventually('the rows', async () => (await home.sql('SELECT 1 FROM prediction WHERE prediction_id = ANY($1)', [ids])).length === ids.length);
}

const echoed = (values: PredictionScored['features']['values'], over: Partial<PredictionScored> = {}): Partial<PredictionScored> => ({
  model: 'echo', artifactSha256: echo.artifactSha256, features: { values }, outputs: { output: values }, score: values[0] as number, ...over,
});
const byRule = (over: Partial<PredictionScored> = {}): Partial<PredictionScored> => ({
  model: 'by-rule', artifactSha256: rules.artifactSha256, features: { values: [17, 'SFO'] }, outputs: { probability: [17 / 3], isLate: [true] }, score: 17 / 3, ...over,
});

describe('an answer that is computed again', () => {
  it('is equal bit for bit, what JSON has no number for included, and says what computes here', async () => {
    await served(['echo', echoed([0.1, 'NaN', '-Infinity'])]);
    const first = await recompute('echo');
    expect(first).toEqual({
      predictionId: idOf('echo'), status: 'equal', explanation: 'computed again, all 3 values have the same bits', model: 'echo', version: '1', artifactSha256: echo.artifactSha256,
      runtime: { served: 'onnxruntime-node 1.30.0, 1 thread', here: expect.stringMatching(/^onnxruntime-node .* cpu, 1 thread, ./), differs: true }, servedBatchSize: 3, valuesCompared: 3, differenceCount: 0, computeMs: expect.any(Number),
    });
    await home.sql('UPDATE prediction SET runtime = $1 WHERE prediction_id = $2', [first.runtime!.here, idOf('echo')]);
    expect((await recompute('echo')).runtime).toMatchObject({ differs: false });
    const read = await fetch(`${ledger.url}/ledger/v1/predictions/${idOf('echo')}/recompute`);
    expect(await read.json()).toMatchObject({ status: 'equal' });
  });

  it('is equal for rules, as champion or as a fallback', async () => {
    await served(['rules', byRule()], ['rules-instead', byRule({ fallback: { kind: 'rules', reason: 'model_failed' } })]);
    expect(await recompute('rules')).toMatchObject({ status: 'equal', valuesCompared: 2, runtime: { here: expect.stringMatching(/^rules, cel-js .*, node /) } });
    expect(await recompute('rules-instead')).toMatchObject({ status: 'equal' });
  });

  it('is different, value by value, after somebody has changed a feature', async () => {
    await served(['tampered', echoed([0.5, 0.25, 1])]);
    await home.sql('UPDATE prediction SET features = $1 WHERE prediction_id = $2', [Buffer.from(Float32Array.of(0.5, 0.25 + 2 ** -25, 1).buffer), idOf('tampered')]);
    const { here } = (await recompute('tampered')).runtime!;
    await home.sql('UPDATE prediction SET runtime = $1 WHERE prediction_id = $2', [here, idOf('tampered')]);
    expect(await recompute('tampered')).toMatchObject({
      status: 'different', explanation: '1 of 3 values is another one, although the same runtime computes here: what is stored is not what was served', differenceCount: 1, runtime: { differs: false },
      differences: [{ output: 'output', index: 1, stored: 0.25, recomputed: 0.25000003, difference: expect.closeTo(2.98e-8, 9), ulps: 1 }],
    });
  });

  it('is different after somebody has changed the score alone', async () => {
    await served(['scored-anew', echoed([0.5, 0.25, 1])]);
    await home.sql('UPDATE prediction SET score = 0.9 WHERE prediction_id = $1', [idOf('scored-anew')]);
    expect(await recompute('scored-anew')).toMatchObject({ status: 'different', differenceCount: 0, score: { stored: 0.9, recomputed: 0.5 } });
  });

  it('is different where another runtime answered so, and says that', async () => {
    await served(['elsewhere', echoed([0.5, 0.25, 1], { outputs: { output: [0.5, 0.25, 1.0000001] } })]);
    expect(await recompute('elsewhere')).toMatchObject({ status: 'different', explanation: '1 of 3 values is another one; another runtime computes here than computed the answer', differences: [{ index: 2, ulps: 1 }] });
  });
});

describe('there is nothing to compute again', () => {
  it('of a request that was rejected, of a constant and of an answer that was repeated', async () => {
    await home.publish('prediction.rejected.v1', [{ data: rejected('refused') }]);
    await served(['constant', echoed([], { outputs: { output: [1, 1, 1] }, fallback: { kind: 'constant', reason: 'model_failed' } })], ['repeated', echoed([], { outputs: { output: [1, 1, 1] }, fallback: { kind: 'last_known_good', reason: 'overloaded' } })]);
    await eventually('the rejection', async () => (await home.sql('SELECT 1 FROM prediction WHERE prediction_id = $1', [idOf('refused')])).length === 1);
    expect([(await recompute('refused')).status, (await recompute('constant')).status, (await recompute('repeated')).status]).toEqual(['rejected', 'not_computed', 'not_computed']);
    expect((await recompute('repeated')).explanation).toMatch(/an earlier answer/);
  });

  it('of what was withheld, erased, or is kept no longer', async () => {
    await served(['withheld', echoed([0.5, null, 1])], ['hashed', echoed([0.5, 0.25, 1])], ['erased', echoed([1, 2, 3])], ['old', echoed([1, 2, 3])], ['dropped', echoed([1, 2, 3])]);
    await home.sql('UPDATE prediction SET is_withheld = true, feature_extras = $2 WHERE prediction_id = $1', [idOf('hashed'), JSON.stringify({ 1: 'hmac:1f2e' })]);
    await home.sql('UPDATE prediction SET features = NULL, feature_extras = NULL, outputs = NULL, erased_at = now() WHERE prediction_id = $1', [idOf('erased')]);
    await home.sql('UPDATE prediction SET features = NULL WHERE prediction_id = $1', [idOf('old')]);
    await home.sql('DELETE FROM prediction WHERE prediction_id = $1', [idOf('dropped')]);
    const statuses = await Promise.all(['withheld', 'hashed', 'erased', 'old', 'dropped'].map(async (requestId) => (await recompute(requestId)).status));
    expect(statuses).toEqual(['withheld', 'withheld', 'erased', 'expired', 'expired']);
    // Its day is there: something else has removed the row.
    expect((await recompute('dropped')).explanation).toMatch(/has vanished: its day, \d{4}-\d\d-\d\d, was not dropped/);
  });

  it('of an id that nobody knows, which is a problem', async () => {
    const unknown = await ask('/ledger/v1/predictions/00000000-0000-5000-8000-000000000000/recompute');
    expect([unknown.status, ((await unknown.json()) as { code: string }).code]).toEqual([404, 'not_found']);
    expect((await ask('/ledger/v1/predictions/nonsense/recompute')).status).toBe(400);
  });
});

describe('an artifact', () => {
  it('that is gone is said to be, with where it may be', async () => {
    const lost = registry.version('3', identityGraph(2), graphSignature(['a', 'b'], 'output', 2));
    const answer = { model: 'lost', version: '3', artifactSha256: lost.artifactSha256, features: { values: [1, 2] }, outputs: { output: [1, 2] }, score: 1 };
    await served(['lost', answer]);
    expect(await recompute('lost')).toMatchObject({ status: 'artifact_unavailable', explanation: 'neither the ledger nor the registry knows the signature of version 3' });
    registry.documents.set('/registry/v1/models/lost/versions/3', { artifactSha256: lost.artifactSha256, signature: lost.signature, archivedAt: '2026-11-01T00:00:00.000Z' });
    registry.replace(lost.artifactSha256, undefined);
    expect((await recompute('lost')).explanation).toBe(`version 3 of “lost” is archived since 2026-11-01T00:00:00.000Z, and is missing from the registry’s store of artifacts: put the file back there under its SHA-256 ${lost.artifactSha256}`);
    registry.replace(lost.artifactSha256, identityGraph(3));
    expect(await recompute('lost')).toMatchObject({ status: 'artifact_unavailable', explanation: `the registry’s bytes are not artifact ${lost.artifactSha256}` });
    registry.replace(lost.artifactSha256, identityGraph(2));
    expect(await recompute('lost'), 'of an archived version that no deployment names').toMatchObject({ status: 'equal' });
  });

  it('is fetched once', async () => {
    await served(['once', byRule()]);
    await recompute('once');
    const before = registry.requests.length;
    expect(await recompute('once')).toMatchObject({ status: 'equal' });
    expect(registry.requests.slice(before).filter((path) => path.includes('artifacts'))).toEqual([]);
  });

  // Which limit ends the one that is too large first depends on the machine.
  const FAULTS = { 'slow to load': /^artifact_timeout/, 'slow to run': /^artifact_timeout/, 'too large': /^(artifact_too_large|model_failed|artifact_timeout)/, 'too wide': /^artifact_too_large/, 'no graph': /^artifact_not_onnx/ };
  it.each(Object.entries(FAULTS))('that is %s ends its own process, and neither the ledger nor what others ask', async (model, reason) => {
    const version = hostile[model]!;
    const values = version.signature.features.map((_, index) => index);
    await served([model, { model, artifactSha256: version.artifactSha256, features: { values }, outputs: { output: [1] } }], [`beside ${model}`, byRule()]);
    const beganMs = performance.now();
    const [failed, other] = await Promise.all([recompute(model), recompute(`beside ${model}`)]);
    expect(failed).toMatchObject({ status: 'failed', explanation: expect.stringMatching(reason) });
    expect(other).toMatchObject({ status: 'equal' });
    expect(performance.now() - beganMs).toBeLessThan(20_000);
  });
});

describe('several answers', () => {
  it('are drawn by lot, each once, and counted by how they end', async () => {
    const report = (await (await ask('/ledger/v1/recomputations', { sample: 40 })).json()) as { checked: number; byStatus: Record<string, number>; others: Recomputation[] };
    expect(report.checked).toBeGreaterThan(5);
    expect(report.byStatus['equal']).toBeGreaterThan(0);
    expect(report.others).toHaveLength(report.checked - report.byStatus['equal']!);
    expect(new Set(report.others.map(({ predictionId }) => predictionId)).size).toBe(report.others.length);
  });

  it.each([{}, { sample: 0 }, { sample: 501 }, { sample: 1, predictionIds: [idOf('a')] }, { predictionIds: ['nonsense'] }, { predictionIds: [] }])('are not asked for as %o', async (body) => {
    expect((await ask('/ledger/v1/recomputations', body)).status).toBe(400);
  });
});
