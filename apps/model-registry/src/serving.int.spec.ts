import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { graph, LINEAGE, runRegistry, sklearnFixture } from './testing/harness.js';

const RULES = { throughlineRules: 1, features: [{ name: 'distance', kind: 'numeric', default: 0 }, { name: 'hour', kind: 'numeric' }], outputs: { probability: 'hour >= 17.0 && distance > 1000.0 ? 0.4 : 0.15' }, score: 'probability', threshold: 0.5 };

const { installation, service, registry } = await runRegistry();

function uploadRules(model: string, document: unknown, { name = 'model.rules.json', metadata }: { name?: string; metadata?: unknown } = {}) {
  const form = new FormData();
  form.set('artifact', new Blob([typeof document === 'string' ? document : JSON.stringify(document)]), name);
  if (metadata !== undefined) form.set('metadata', JSON.stringify(metadata));
  return registry.send(model, form);
}

describe('rules as a version', () => {
  it('need nothing but their document, come back by their hash, and serve', async () => {
    const text = JSON.stringify(RULES);
    const { status, body } = await uploadRules('heuristic', text);
    expect([status, body]).toMatchObject([201, { version: '1', format: 'rules', artifactSha256: createHash('sha256').update(text).digest('hex'), metadata: {}, signature: { features: RULES.features, outputs: [{ name: 'probability', datatype: 'FP64', shape: [-1, 1] }], task: 'binary_classification', score: { output: 'probability', index: 0, threshold: 0.5 } } }]);
    expect(await (await fetch(`${service.url}/registry/v1/artifacts/${body.artifactSha256}`)).text()).toBe(text);
    expect((await uploadRules('heuristic', text)).status).toBe(200);
    await registry.put('/models/heuristic/aliases/champion', { version: '1' });
    const events = await installation.deploymentEvents((all) => all.some(({ model }) => model === 'heuristic'));
    expect(events.find(({ model }) => model === 'heuristic')?.champion).toMatchObject({ version: '1', format: 'rules' });
  });

  it('keep what the metadata adds, and freeze a baseline from a reference', async () => {
    const form = new FormData();
    form.set('artifact', new Blob([JSON.stringify(RULES)]), 'model');
    form.set('metadata', JSON.stringify({ format: 'rules', owner: 'ada', metrics: { auc: 0.6 } }));
    form.set('reference', new Blob(['distance,hour,score\n100,9,0.15\n2000,18,0.4\n']), 'reference.csv');
    expect(await registry.send('heuristic', form)).toMatchObject({ status: 201, body: { format: 'rules', hasBaseline: true, metadata: { owner: 'ada', metrics: { auc: 0.6 } } } });
  });

  it.each([
    ['an expression that is wrong', { ...RULES, outputs: { probability: 'hour >= "late" ? 0.4 : 0.15' } }, {}, 422, 'rules_invalid', /output “probability”/],
    ['text that is no document', '{', {}, 422, 'rules_invalid', /not JSON/],
    ['a graph under the name of rules', Buffer.from(graph()).toString('latin1'), {}, 422, 'rules_invalid', /not JSON/],
    ['features in the metadata too', RULES, { metadata: { features: [{ name: 'a', kind: 'numeric' }] } }, 400, 'invalid_request', /“features” of rules stands in their document/],
    ['rules declared a graph', RULES, { metadata: { format: 'onnx', features: RULES.features, task: 'other' } }, 422, 'artifact_not_onnx', /./],
    ['more rules than anybody reads', { ...RULES, description: 'x'.repeat(300_000) }, {}, 422, 'rules_invalid', /bytes/],
  ])('are refused with %s, with a cure', async (_, document, more, status, code, reason) => {
    expect(await uploadRules('bad-rules', document, more)).toMatchObject({ status, body: { code, detail: expect.stringMatching(reason), cure: expect.stringMatching(/\w/) } });
    expect((await registry.get('/models/bad-rules')).status).toBe(404);
  });
});

describe('how a model is served', () => {
  const POLICY = {
    batching: { maxBatchSize: 64, maxDelayMs: 1 }, latencyBudgetMs: { queue: 5, inference: 2 }, breaker: { failureShare: 0.4 },
    requestTopics: ['prediction.requested.v1.team-a', 'prediction.requested.batch.v1.team-a'],
    fallbacks: [{ kind: 'last_known_good', maxAgeSeconds: 600 }, { kind: 'previous_version' }, { kind: 'rules', version: 4 }, { kind: 'constant', outputs: { probability: [0.2] } }],
  };
  const deploymentOf = async (model: string) => (await registry.get(`/models/${model}/deployment`)).body;
  const withVersions = async (model: string): Promise<string> => {
    for (const bias of [0, 1, 2]) await registry.upload(model, { artifact: graph(bias) });
    await uploadRules(model, RULES);
    return `/models/${model}`;
  };

  it('is in the deployment, its event and its history, and stays when the champion moves', async () => {
    const path = await withVersions('served');
    expect(await registry.put(`${path}/deployment`, { champion: '1', ...POLICY })).toMatchObject({
      status: 200,
      body: { ...POLICY, fallbacks: [POLICY.fallbacks[0], { kind: 'rules', served: { version: '4', format: 'rules' } }, { kind: 'constant', outputs: { probability: [0.2] }, score: 0.2 }] },
    });
    await registry.put(`${path}/aliases/champion`, { version: '2' });
    await registry.put(`${path}/aliases/champion`, { version: '3' });
    const { fallbacks, ...deployment } = await deploymentOf('served');
    expect(deployment).toMatchObject({ revision: 3, champion: { version: '3' }, batching: POLICY.batching, latencyBudgetMs: POLICY.latencyBudgetMs, breaker: POLICY.breaker, requestTopics: POLICY.requestTopics });
    expect(fallbacks.map(({ kind, served }: { kind: string; served?: { version: string } }) => [kind, served?.version])).toEqual([['last_known_good', undefined], ['previous_version', '2'], ['rules', '4'], ['constant', undefined]]);
    const events = (await installation.deploymentEvents((all) => all.some(({ model, revision }) => model === 'served' && revision === 3))).filter(({ model }) => model === 'served');
    expect(events.at(-1)).toEqual(await deploymentOf('served'));
    expect(events.map((event) => event.fallbacks?.flatMap((fallback) => (fallback.kind === 'previous_version' ? [fallback.served.version] : [])))).toEqual([[], ['1'], ['2']]);
    expect((await registry.get(`${path}/deployment/history`)).body[0]).toMatchObject({ revision: 3, champion: '3', ...POLICY });
  });

  it('counts as unchanged when it says the same in another order', async () => {
    const path = await withVersions('same-policy');
    const body = { champion: '1', breaker: { failureShare: 0.4, openSeconds: 3 }, fallbacks: [{ kind: 'rules', version: 4 }] };
    await registry.put(`${path}/deployment`, body);
    expect((await registry.put(`${path}/deployment`, { ...body, breaker: { openSeconds: 3, failureShare: 0.4 }, fallbacks: [{ version: '4', kind: 'rules' }] })).body.revision).toBe(1);
    expect((await registry.put(`${path}/deployment`, { champion: '1' })).body).not.toHaveProperty('fallbacks');
  });

  it('takes no champion away from whoever only wants to change how it is served', async () => {
    const path = await withVersions('kept');
    expect((await registry.put(`${path}/deployment`, { breaker: { openSeconds: 3 } })).status).toBe(200);
    await registry.put(`${path}/aliases/champion`, { version: '1' });
    expect(await registry.put(`${path}/deployment`, { breaker: { openSeconds: 4 } })).toMatchObject({ status: 400, body: { detail: 'champion is missing, and version 1 serves', cure: expect.stringMatching(/or null/) } });
    expect(await deploymentOf('kept')).toMatchObject({ champion: { version: '1' }, breaker: { openSeconds: 3 } });
    expect((await registry.put(`${path}/deployment`, { champion: null })).body).not.toHaveProperty('champion');
  });

  it('lets a champion go back to the version that stands in for it', async () => {
    const path = await withVersions('back');
    await registry.put(`${path}/deployment`, { champion: '2', fallbacks: [{ kind: 'previous_version', version: 1 }] });
    expect((await registry.put(`${path}/aliases/champion`, { version: '1' })).status).toBe(200);
    expect((await deploymentOf('back')).fallbacks).toEqual([]);
    await registry.put(`${path}/aliases/champion`, { version: '3' });
    expect((await deploymentOf('back')).fallbacks).toMatchObject([{ served: { version: '1' } }]);
  });

  it('makes the request topics it names, and only those of a deployment that is accepted', async () => {
    const path = await withVersions('topics');
    const naming = (topic: string, champion = '1') => registry.put(`${path}/deployment`, { champion, requestTopics: [topic] });
    expect((await naming('prediction.requested.v1.refused', '99')).status).toBe(404);
    await expect(installation.bus.admin.offsets('prediction.requested.v1.refused')).rejects.toMatchObject({ code: 'not_found' });
    expect((await naming('prediction.requested.v1.accepted')).status).toBe(200);
    expect(await installation.bus.admin.offsets('prediction.requested.v1.accepted')).toHaveLength(4);
  });

  it.each([
    ['a version that does not exist', { fallbacks: [{ kind: 'rules', version: 77 }] }, 404, 'unknown_version', /77/],
    ['a graph for rules', { fallbacks: [{ kind: 'rules', version: 2 }] }, 400, 'invalid_request', /fallbacks\.0\.version: version 2 is no rules document/],
    ['a version with other outputs', { fallbacks: [{ kind: 'previous_version', version: 5 }] }, 400, 'invalid_request', /fallbacks\.0\.version: version 5 has no output “probability”/],
    ['a constant of another form', { fallbacks: [{ kind: 'constant', outputs: { probability: [1, 2] } }] }, 400, 'invalid_request', /fallbacks\.0\.outputs\.probability has 2 value\(s\) in place of 1/],
    ['a misspelt field', { batching: { maxSize: 1 } }, 400, 'invalid_request', /batching has an unknown field “maxSize”/],
  ])('is refused with %s, and nothing changes', async (_, policy, status, code, reason) => {
    const path = await withVersions('refused-policy');
    const other = { features: ['a', 'b', 'c', 'd'].map((name) => ({ name, kind: 'numeric' })), task: 'binary_classification', ...LINEAGE };
    await registry.upload('refused-policy', { artifact: await sklearnFixture('sklearn-tensor'), metadata: other });
    expect(await registry.put(`${path}/deployment`, { champion: '1', ...policy })).toMatchObject({ status, body: { code, detail: expect.stringMatching(reason), cure: expect.stringMatching(/\w/) } });
    expect((await registry.get(`${path}/deployment`)).status).toBe(404);
  });

  it('keeps a champion from moving to other outputs than its fallbacks have, until they move with it', async () => {
    const path = await withVersions('moving');
    const other = { features: ['a', 'b', 'c', 'd'].map((name) => ({ name, kind: 'numeric' })), task: 'binary_classification', ...LINEAGE };
    await registry.upload('moving', { artifact: await sklearnFixture('sklearn-tensor'), metadata: other });
    await registry.put(`${path}/deployment`, { champion: '1', fallbacks: [{ kind: 'rules', version: 4 }] });
    expect(await registry.put(`${path}/aliases/champion`, { version: '5' })).toMatchObject({ status: 400, body: { detail: expect.stringMatching(/version 4 has no output “label”/), cure: expect.stringMatching(/same request/) } });
    expect((await registry.get(`${path}/aliases/champion`)).body.version).toBe('1');
    expect((await registry.put(`${path}/deployment`, { champion: '5', fallbacks: [{ kind: 'constant', outputs: { label: [0], probabilities: [0.8, 0.2] } }] })).status).toBe(200);
  });
});
