import { expect, it } from 'vitest';
import { graph, METADATA, runRegistry } from '../testing/harness.js';

const { installation, registry } = await runRegistry();

const POLICY = { owner: 'ada', errorRate: { max: 0.01, measuredBy: 'errors' }, promotion: { mode: 'rollout', rollout: { strategy: 'canary', guards: [{ kind: 'error_rate', maxIncrease: 0.01 }] } } };
const champion = (path: string) => registry.put(`${path}/aliases/champion`, { version: '1' });

it('a policy is replaced by compare-and-swap, and every revision is kept with its author', async () => {
  const path = '/models/kept';
  expect(await registry.get(`${path}/policy`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  await registry.upload('kept');
  expect(await registry.get(`${path}/policy`)).toMatchObject({ status: 200, body: { model: 'kept', revision: 0 } });
  expect(await registry.put(`${path}/policy`, { ...POLICY, expectedRevision: 0, author: 'ada', reason: 'first' })).toMatchObject({ status: 200, body: { revision: 1, ...POLICY, author: 'ada' } });
  expect(await registry.put(`${path}/policy`, { owner: 'eve', expectedRevision: 0 })).toMatchObject({ status: 409, body: { code: 'conflict' } });
  expect(await registry.put(`${path}/policy`, { ...POLICY, expectedRevision: 1 }), 'the same again').toMatchObject({ status: 200, body: { revision: 1 } });
  const second = await registry.put(`${path}/policy`, { owner: 'bob', author: 'bob' });
  expect(second.body).toMatchObject({ revision: 2, owner: 'bob' });
  expect(second.body).not.toHaveProperty('promotion');
  expect((await registry.get(`${path}/policy/history`)).body).toMatchObject([{ revision: 2, owner: 'bob', author: 'bob' }, { revision: 1, ...POLICY, author: 'ada', reason: 'first' }]);
  expect((await registry.get('/audit?model=kept')).body).toMatchObject([{ action: 'policy.changed', actor: 'bob' }, { action: 'policy.changed', actor: 'ada', detail: { revision: 1 } }, { action: 'version.created' }]);
  await expect(installation.sql('UPDATE model_policies SET policy = policy')).rejects.toThrow(/append-only/);
});

it('what the policy says of outcomes is in every deployment, whichever of the two came first, and no deployment can drop it', async () => {
  const path = '/models/declared';
  await registry.upload('declared');
  await registry.upload('declared', { artifact: graph(1) });
  await registry.put(`${path}/policy`, { outcome: { positiveFrom: 15 } });
  await champion(path);
  expect((await registry.get(`${path}/deployment`)).body).toMatchObject({ revision: 1, outcome: { positiveFrom: 15 } });
  const outcome = { positiveFrom: 20, valueMicroUsd: { truePositive: 2_000_000 } };
  await registry.put(`${path}/policy`, { outcome, author: 'ada' });
  await registry.put(`${path}/policy`, { outcome, owner: 'ada' });
  await registry.put(`${path}/deployment`, { champion: '2' });
  const events = (await installation.deploymentEvents((all) => all.some(({ model, revision }) => model === 'declared' && revision === 3))).filter(({ model }) => model === 'declared');
  expect(events.map(({ revision, champion: { version } = {}, outcome: told }) => [revision, version, told])).toEqual([[1, '1', { positiveFrom: 15 }], [2, '1', outcome], [3, '2', outcome]]);
  expect((await registry.put(`${path}/policy`, {})).status).toBe(200);
  expect((await registry.get(`${path}/deployment`)).body).not.toHaveProperty('outcome');
});

it('what the policy says of monitoring is in every deployment, as a revision of its own where something is deployed, and gone when the policy no longer says it', async () => {
  const path = '/models/watched';
  const monitoring = { windowSeconds: { data: 3600, quality: 86_400 }, alarms: ['quality'], minSamples: { auc: 100 }, minEffect: { distance: 0.2 } };
  await registry.upload('watched');
  await registry.put(`${path}/policy`, { monitoring });
  await champion(path);
  await registry.put(`${path}/policy`, { monitoring: { ...monitoring, alarms: [] } });
  await registry.put(`${path}/policy`, { owner: 'ada' });
  const events = (await installation.deploymentEvents((all) => all.some(({ model, revision }) => model === 'watched' && revision === 3))).filter(({ model }) => model === 'watched');
  expect(events.map((event) => [event.revision, event.monitoring])).toEqual([[1, monitoring], [2, { ...monitoring, alarms: [] }], [3, undefined]]);
});

it('what the policy says of privacy is in every deployment; a feature that no version has is refused, a role that none declares is a warning', async () => {
  const path = '/models/discreet';
  await registry.upload('discreet');
  await champion(path);
  expect(await registry.put(`${path}/policy`, { privacy: { features: { huor: 'omit' } } })).toMatchObject({ status: 400, body: { code: 'invalid_request', detail: expect.stringContaining('“huor”') } });
  const privacy = { entities: { customer: 'hash' }, routingKey: 'hash' };
  expect(await registry.put(`${path}/policy`, { privacy })).toMatchObject({ status: 200, body: { privacy, warnings: [expect.stringContaining('“customer”')] } });
  expect((await registry.get(`${path}/deployment`)).body).toMatchObject({ revision: 2, privacy });
  expect((await registry.get(`${path}/policy`)).body).not.toHaveProperty('warnings');
  const without = await registry.put(`${path}/policy`, { owner: 'ada' });
  expect(without, 'a policy is put whole, and who forgot the rest of it hears so').toMatchObject({ status: 200, body: { warnings: [expect.stringContaining('“privacy” was declared and holds no more')] } });
});

it('where the policy asks for an approval no direct write of the deployment gets around it: not by another champion, by none, or by a challenger', async () => {
  const path = '/models/guarded';
  await registry.upload('guarded');
  await registry.upload('guarded', { artifact: graph(1) });
  await champion(path);
  await registry.put(`${path}/policy`, { promotion: { mode: 'approval' }, author: 'ada' });
  const write = (body: object) => registry.put(`${path}/deployment`, { author: 'eve', ...body });
  for (const body of [{ champion: '2' }, { champion: null }, { champion: '1', challengers: [{ version: '2', share: 1 }] }, { champion: '1', challengers: [{ version: '2', share: 0.01 }] }]) {
    expect(await write(body), JSON.stringify(body)).toMatchObject({ status: 403, body: { code: 'approval_required' } });
  }
  expect((await registry.get(`${path}/deployment`)).body).toMatchObject({ revision: 1, champion: { version: '1' }, challengers: [] });
  const trial = { champion: '1', challengers: [{ version: '2', share: 0.2 }] };
  expect(await write({ ...trial, approve: true })).toMatchObject({ status: 200, body: { revision: 2 } });
  expect(await write({ ...trial, maxBatchSize: 32 }), 'what answers stays as it is').toMatchObject({ status: 200, body: { revision: 3 } });
  expect(await write({ ...trial, challengers: [{ version: '2', share: 0.3 }] })).toMatchObject({ status: 403 });
  expect(await write({ champion: '1' }), 'less of a challenger').toMatchObject({ status: 200, body: { revision: 4 } });
});

it('that an outcome which does not come means “no” is refused of a model with a regression, whose outcome is a number', async () => {
  await registry.upload('minutes', { metadata: { ...METADATA, task: 'regression', score: { output: 'probability', index: 0 } } });
  const refused = await registry.put('/models/minutes/policy', { outcome: { whenMissing: 'negative', maturitySeconds: 60 } });
  expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_request', detail: expect.stringContaining('version 1 is a regression'), cure: expect.stringContaining('Leave whenMissing out') } });
  expect(await registry.put('/models/minutes/policy', { outcome: { maturitySeconds: 60 } })).toMatchObject({ status: 200 });
});

it.each([
  [{ colour: 'red' }, 'property colour should not exist'],
  [{ owner: '' }, 'owner must NOT have fewer than 1 characters'],
  [{ errorRate: { max: 2, measuredBy: 'errors' } }, 'errorRate.max must be <= 1'],
  [{ errorRate: { max: 0.1, measuredBy: 'guess' } }, 'errorRate.measuredBy must be one of errors, fallbacks'],
  [{ outcome: { positiveFrom: 1, valueMicroUsd: { hit: 1 } } }, 'outcome.valueMicroUsd has an unknown field “hit”'],
  [{ outcome: { expression: 'valve > 15' } }, 'outcome.expression, character 1: there is no “valve”'],
  [{ outcome: { expression: 'value > 15 &&' } }, 'outcome.expression, character 14: '],
  [{ outcome: { expression: 'text' } }, 'outcome.expression: it yields text'],
  [{ outcome: { whenMissing: 'negative' } }, 'outcome.maturitySeconds does not say after how long'],
  [{ monitoring: { windowSeconds: { date: 60 } } }, 'monitoring.windowSeconds has an unknown field “date”'],
  [{ monitoring: { minSamples: { auc: 1 } } }, 'monitoring.minSamples.auc must be >= 30'],
  [{ monitoring: { alarms: ['artifact'] } }, 'monitoring.alarms.0 must be one of data_drift, prediction_drift, quality'],
  [{ promotion: { mode: 'perhaps' } }, 'promotion.mode must be one of immediate, rollout, approval'],
  [{ promotion: { mode: 'rollout', rollout: { strategy: 'canary', guards: [{ kind: 'p99_latency', maxRatio: 0.5 }] } } }, 'promotion.rollout.guards.0.maxRatio must be >= 1'],
  [{ promotion: { mode: 'rollout', rollout: { strategy: 'canary', guards: [{ kind: 'mood' }] } } }, 'promotion.rollout.guards.0.kind must be one of error_rate'],
  [{ segments: [{ name: 'a', entityRole: 'o', entityIds: ['x'] }, { name: 'a', entityRole: 'o', entityIds: ['y'] }] }, 'two segments are called “a”'],
])('a policy with a fault, %j, is refused with the place of the fault, and changes nothing', async (body, detail) => {
  await registry.upload('faulty');
  expect(await registry.put('/models/faulty/policy', body)).toMatchObject({ status: 400, body: { code: 'invalid_request', detail: expect.stringContaining(detail) } });
  expect((await registry.get('/models/faulty/policy')).body.revision).toBe(0);
});
