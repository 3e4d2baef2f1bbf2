import type { RunningService } from '@throughline/http';
import type { AlertRaised } from '@throughline/contracts';
import { eventually } from '@throughline/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Client, graph, Installation, METADATA, type Answer } from '../testing/harness.js';
import { Serving } from './testing/serving.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let installation: Installation;
let service: RunningService;
let registry: Client;
let serving: Serving;
const alerts: AlertRaised[] = [];
let stopAlerts: () => Promise<void>;

/** Steps that are through as soon as something has been counted. */
const QUICK = { minSeconds: 0, minPredictions: 1, minOutcomes: 0 };
const steps = (...shares: number[]) => shares.map((share) => ({ share, ...QUICK }));

beforeAll(async () => {
  installation = await Installation.create();
  service = await installation.start();
  registry = new Client(service.url);
  serving = await Serving.start(installation.bus);
  const following = await installation.bus.follow({ topic: 'alert.raised.v1', onEvent: ({ data }) => void alerts.push(data) });
  stopAlerts = () => following.stop();
});
afterAll(async () => {
  await stopAlerts();
  await serving.stop();
  await service.close();
  await installation.remove();
});

async function withVersions(model: string, count = 2): Promise<string> {
  for (let bias = 0; bias < count; bias += 1) await registry.upload(model, { artifact: graph(bias) });
  expect((await registry.put(`/models/${model}/aliases/champion`, { version: '1', author: 'ada' })).status).toBe(200);
  return `/models/${model}`;
}

async function started(path: string, body: object): Promise<string> {
  const answer = await registry.call('POST', `${path}/rollouts`, { author: 'ada', evaluateEverySeconds: 0.1, guards: [], ...body });
  expect(answer).toMatchObject({ status: 201, body: { status: 'warming' } });
  return `${path}/rollouts/${answer.body.id}`;
}

const until = (rollout: string, what: string, isSo: (body: Answer['body']) => boolean) =>
  eventually(`${rollout} is ${what}`, async () => {
    const { body } = await registry.get(rollout);
    return isSo(body) && body;
  });
const untilStep = (rollout: string, step: number) => until(rollout, `at step ${step}`, (body) => body.step === step && body.status === 'running');
const untilOver = (rollout: string, status: string) => until(rollout, status, (body) => {
  if (body.endedAt !== undefined && body.status !== status) throw new Error(`${body.status}: ${body.conclusion}`);
  return body.status === status;
});
const championOf = async (path: string): Promise<string> => (await registry.get(`${path}/aliases/champion`)).body.version;
/** Workers learn of a step from the topic; answers before that would belong to the step before. */
const servedAt = (model: string, step: number) => eventually(`workers are at step ${step}`, async () => serving.latest(model)?.rollout?.step === step);

describe('a canary', () => {
  it('warms, takes its steps with the traffic they need, and promotes; every revision says which step it is', async () => {
    const path = await withVersions('canary');
    const rollout = await started(path, { strategy: 'canary', candidate: '2', steps: steps(0.1, 0.5, 1), reason: 'trained on May' });
    for (const step of [1, 2, 3]) {
      await untilStep(rollout, step);
      await servedAt('canary', step);
      expect(await championOf(path)).toBe('1');
      await serving.answer('canary', 40);
    }
    const over = await untilOver(rollout, 'promoted');
    expect(over).toMatchObject({ champion: '1', candidate: '2', share: 1, author: 'ada', reason: 'trained on May', conclusion: 'every step has its minimums and no guard is breached' });
    expect(await championOf(path)).toBe('2');
    const revisions = serving.deployments.filter(({ model }) => model === 'canary');
    expect(revisions.map(({ revision, champion, challengers, standbys = [], rollout: ref }) => [revision, champion?.version, challengers.map(({ version, share }) => `${version}:${share}`).join(), standbys.map(({ version }) => version).join(), ref?.step])).toEqual([
      [1, '1', '', '', undefined], [2, '1', '', '2', 0], [3, '1', '2:0.1', '', 1], [4, '1', '2:0.5', '', 2], [5, '1', '2:1', '', 3], [6, '2', '', '', undefined],
    ]);
    expect(new Set(revisions.slice(2, 5).map(({ splitSalt }) => splitSalt))).toEqual(new Set([over.id]));
    expect((await registry.get(`${rollout}/events`)).body.map(({ kind, step, revision }: Record<string, unknown>) => [kind, step, revision])).toEqual([
      ['started', 0, 2], ['advanced', 1, 3], ['advanced', 2, 4], ['advanced', 3, 5], ['promoted', 3, 6],
    ]);
    const audit = (await registry.get('/audit?model=canary')).body.map(({ actor, action }: Record<string, string>) => `${actor} ${action}`);
    expect(audit).toContain('ada rollout.started');
    expect(audit).toContain('rollout rollout.promoted');
  });

  it('whose candidate fails is rolled back by itself, with an alert and with evidence that gives the same verdict again', async () => {
    const path = await withVersions('failing');
    const rollout = await started(path, { strategy: 'canary', candidate: '2', steps: [{ share: 0.5, minSeconds: 3600 }, { share: 1 }], guards: [{ kind: 'error_rate', minSamples: 50, maxIncrease: 0.02 }], consecutiveBreaches: 2 });
    await untilStep(rollout, 1);
    await servedAt('failing', 1);
    const isOver = async (): Promise<boolean> => (await registry.get(rollout)).body.status === 'rolled_back';
    await eventually('the guard has seen enough', async () => {
      await serving.answer('failing', 100, { failsOf: (version, index) => version === '2' && index % 3 === 0 });
      return isOver();
    });
    const { conclusion } = await untilOver(rollout, 'rolled_back');
    expect(conclusion).toMatch(/error/i);
    expect(await championOf(path)).toBe('1');
    expect((await registry.get(`${path}/deployment`)).body).toMatchObject({ champion: { version: '1' }, challengers: [] });
    const events = (await registry.get(`${rollout}/events`)).body;
    expect(events.filter(({ kind }: { kind: string }) => kind === 'breach')).toHaveLength(1);
    const last = events.at(-1);
    expect(last).toMatchObject({ kind: 'rolled_back', actor: 'rollout', hasEvidence: true });
    expect((await registry.get(`${rollout}/events/${last.id}/replay`)).body).toMatchObject({ same: true, recorded: [{ guard: 'error_rate', state: 'breached' }] });
    const alert = await eventually('the alert', async () => alerts.find(({ model }) => model === 'failing'));
    expect(alert).toMatchObject({ version: '2', kind: 'quality', tier: 'alarm', subject: 'rollout/error_rate', evidence: { limit: 0.02 } });
  });

  it('that cannot be loaded never has traffic', async () => {
    const path = await withVersions('broken');
    serving.refuse('7', 'artifact_golden_mismatch', 'row 0');
    for (let bias = 2; bias < 7; bias += 1) await registry.upload('broken', { artifact: graph(bias) });
    const rollout = await started(path, { strategy: 'canary', candidate: '7', steps: steps(0.5, 1) });
    expect(await untilOver(rollout, 'rolled_back')).toMatchObject({ step: 0, conclusion: expect.stringContaining('artifact_golden_mismatch') });
    expect(serving.deployments.filter(({ model, challengers }) => model === 'broken' && challengers.length > 0)).toEqual([]);
    expect(await eventually('the alert', async () => alerts.find(({ model }) => model === 'broken'))).toMatchObject({ kind: 'artifact', version: '7' });
  });
});

describe('while a rollout runs', () => {
  it('other writers of the deployment are refused with its name, and aliases that serve nothing move on', async () => {
    const path = await withVersions('guarded', 3);
    const rollout = await started(path, { strategy: 'canary', candidate: '2', steps: [{ share: 0.5, minSeconds: 3600 }, { share: 1 }] });
    const id = rollout.split('/').at(-1)!;
    for (const answer of [
      await registry.put(`${path}/aliases/champion`, { version: '3' }), await registry.put(`${path}/deployment`, { champion: '3' }),
      await registry.call('POST', `${path}/rollouts`, { strategy: 'shadow', candidate: '3' }), await registry.call('DELETE', `${path}/aliases/champion`),
    ]) expect(answer).toMatchObject({ status: 409, body: { code: 'rollout_running', detail: expect.stringContaining(id) } });
    expect((await registry.put(`${path}/aliases/candidate`, { version: '3' })).status).toBe(200);
    expect((await registry.call('POST', `${rollout}/abort`, { author: 'bob', reason: 'wrong one' })).body).toMatchObject({ status: 'aborted', conclusion: 'wrong one' });
    expect((await registry.put(`${path}/aliases/champion`, { version: '3' })).status).toBe(200);
    expect((await registry.call('POST', `${rollout}/abort`, {})).body).toMatchObject({ code: 'conflict' });
  });

  it('it can be paused, resumed, and promoted by hand, on record as an override', async () => {
    const path = await withVersions('by-hand');
    const rollout = await started(path, { strategy: 'canary', candidate: '2', steps: steps(0.5, 1) });
    await untilStep(rollout, 1);
    expect((await registry.call('POST', `${rollout}/pause`, { author: 'bob' })).body).toMatchObject({ status: 'paused' });
    await servedAt('by-hand', 1);
    await serving.answer('by-hand', 40);
    await until(rollout, 'counted', ({ progress }) => progress.predictions > 0);
    expect((await registry.get(rollout)).body).toMatchObject({ status: 'paused', step: 1 });
    expect((await registry.call('POST', `${rollout}/resume`, { author: 'bob' })).body).toMatchObject({ status: 'running' });
    await untilStep(rollout, 2);
    expect((await registry.call('POST', `${rollout}/promote`, { author: 'bob', reason: 'the fair is tomorrow' })).body).toMatchObject({ status: 'promoted' });
    expect(await championOf(path)).toBe('2');
    expect((await registry.get('/audit?model=by-hand')).body.find(({ action }: { action: string }) => action === 'rollout.override')).toMatchObject({ actor: 'bob', detail: { reason: 'the fair is tomorrow' } });
  });
});

describe('other strategies', () => {
  it('blue-green: both warm in full, one switch there, one back', async () => {
    const path = await withVersions('blue-green');
    const rollout = await started(path, { strategy: 'blue_green', candidate: '2', steps: [{ minSeconds: 3600 }] });
    await untilStep(rollout, 1);
    expect((await registry.get(`${path}/deployment`)).body).toMatchObject({ champion: { version: '2' }, challengers: [], standbys: [{ version: '1' }] });
    expect(await championOf(path)).toBe('2');
    expect((await registry.call('POST', `${path}/rollback`, { author: 'bob', reason: 'odd' })).body).toMatchObject({ champion: '1', rollout: rollout.split('/').at(-1) });
    expect(await championOf(path)).toBe('1');
  });

  it('shadow: nobody is answered by the candidate; at its end what served serves on', async () => {
    const path = await withVersions('shadow');
    const rollout = await started(path, { strategy: 'shadow', candidate: '2', steps: [{ ...QUICK, minPredictions: 50 }] });
    await untilStep(rollout, 1);
    await servedAt('shadow', 1);
    await serving.answer('shadow', 60, { scoreOf: (version) => (version === '2' ? 0.6 : 0.5) });
    expect(await untilOver(rollout, 'finished')).toMatchObject({ share: 0 });
    expect((await registry.get(`${path}/deployment`)).body).toMatchObject({ champion: { version: '1' }, shadows: [] });
  });

  it('an A/B ends at its end, and promotes what is better beyond doubt if it was told to', async () => {
    const path = await withVersions('ab');
    const rollout = await started(path, { strategy: 'ab', candidate: '2', endsAfterSeconds: 3600, atEnd: 'promote_if_better', guards: [{ kind: 'quality', loss: 'squared_error', minSamples: 50 }] });
    await untilStep(rollout, 1);
    await servedAt('ab', 1);
    const answers = await serving.answer('ab', 1200, { scoreOf: (_version, index) => (index % 2 === 0 ? 0.9 : 0.1) });
    // The candidate is always right, the champion in nine of ten.
    await serving.tellOutcomes(answers, ({ version, score }, index) => (score! >= 0.5) === (version === '2' || index % 10 !== 0));
    await until(rollout, 'counted', ({ progress }) => progress.outcomes > 400);
    // An hour goes by.
    await installation.sql(`UPDATE rollouts SET started_at = started_at - interval '1 hour' WHERE model = 'ab'`);
    expect(await untilOver(rollout, 'promoted')).toMatchObject({ conclusion: expect.stringContaining('better') });
    expect(await championOf(path)).toBe('2');
  });
});

describe('a policy that has versions brought in by a rollout', () => {
  it('binds who starts one by hand: another plan is for approvers, one that only asks for anybody', async () => {
    const path = await withVersions('bound');
    const plan = { strategy: 'canary', steps: [{ share: 0.1, minSeconds: 60 }, { share: 1 }] };
    expect((await registry.put(`${path}/policy`, { promotion: { mode: 'rollout', rollout: plan }, author: 'ada' })).status).toBe(200);
    const start = (body: object) => registry.call('POST', `${path}/rollouts`, { candidate: '2', author: 'bob', ...body });
    expect(await start({ strategy: 'canary', guards: [], steps: [{ share: 1, minSeconds: 0 }] })).toMatchObject({ status: 403, body: { code: 'approval_required', detail: expect.stringContaining('guards') } });
    expect(await start({ strategy: 'blue_green' })).toMatchObject({ status: 403, body: { code: 'approval_required' } });
    const bound = await start({ strategy: 'canary' });
    expect(bound).toMatchObject({ status: 201, body: { steps: [{ share: 0.1, minSeconds: 60 }, { share: 1 }] } });
    await registry.call('POST', `${path}/rollouts/${bound.body.id}/abort`, {});
    const asking = await start({ strategy: 'shadow' });
    expect(asking.status).toBe(201);
    await registry.call('POST', `${path}/rollouts/${asking.body.id}/abort`, {});
    expect((await start({ strategy: 'blue_green', approve: true })).status).toBe(201);
  });
});

describe('bad input', () => {
  let path: string;
  beforeAll(async () => { path = await withVersions('strict', 2); });
  const refused = async (body: object) => (await registry.call('POST', `${path}/rollouts`, body)).body;

  it.each<[string, object, object]>([
    ['a version that does not exist', { strategy: 'canary', candidate: '9' }, { code: 'unknown_version', status: 404 }],
    ['the champion', { strategy: 'canary', candidate: '1' }, { code: 'invalid_request', detail: expect.stringContaining('champion already') }],
    ['an unknown strategy', { strategy: 'yolo', candidate: '2' }, { code: 'invalid_request', detail: expect.stringContaining('strategy') }],
    ['falling shares', { strategy: 'canary', candidate: '2', steps: [{ share: 0.5 }, { share: 0.1 }] }, { code: 'invalid_request', detail: 'the shares of the steps must rise' }],
    ['an A/B without an end', { strategy: 'ab', candidate: '2' }, { code: 'invalid_request', detail: expect.stringContaining('endsAfterSeconds') }],
    ['an unknown guard', { strategy: 'canary', candidate: '2', guards: [{ kind: 'vibes' }] }, { detail: expect.stringContaining('guards.0.kind must be one of error_rate') }],
    ['a typing error', { strategy: 'canary', candidate: '2', guards: [{ kind: 'error_rate', maxIncreas: 1 }] }, { detail: expect.stringContaining('unknown field “maxIncreas”') }],
    ['value without a price', { strategy: 'canary', candidate: '2', guards: [{ kind: 'business_value' }] }, { detail: expect.stringContaining('what decisions are worth') }],
    ['a guard of decisions where none are made', { strategy: 'canary', candidate: '2', guards: [{ kind: 'quality', loss: 'wrong' }] }, { code: 'invalid_request', detail: expect.stringContaining('no threshold'), cure: expect.stringContaining('squared_error') }],
    ['an unknown strategy', { strategy: 'canry', candidate: '2' }, { detail: 'strategy must be one of blue_green, shadow, canary, ab' }],
    ['a share of a shadow', { strategy: 'shadow', candidate: '2', steps: [{ share: 0.5 }] }, { detail: expect.stringContaining('a shadow rollout has no shares') }],
    ['no body', {}, { code: 'invalid_request' }],
  ])('%s is refused with the reason and the cure', async (_name, body, expected) => expect(await refused(body)).toMatchObject({ cure: expect.any(String), ...expected }));

  it('a candidate with another signature needs an explicit word', async () => {
    const metadata = { ...METADATA, entities: { origin: 'airport' } };
    await registry.upload('strict', { artifact: graph(5), metadata });
    expect(await refused({ strategy: 'canary', candidate: '3' })).toMatchObject({ code: 'signature_differs', detail: expect.stringContaining('entity “origin” is new') });
    const rollout = await started(path, { strategy: 'canary', candidate: '3', allowSignatureChange: true });
    expect((await registry.call('POST', `${rollout}/abort`, {})).status).toBe(200);
  });

  it('a model without a champion has nothing to hold a candidate against', async () => {
    await registry.upload('newborn');
    expect((await registry.call('POST', '/models/newborn/rollouts', { strategy: 'canary', candidate: '1' })).body).toMatchObject({ code: 'conflict', cure: expect.stringContaining('champion') });
  });

  it('an unknown rollout is not found, nor are those of an unknown model', async () => {
    expect((await registry.get('/models/misspelt/rollouts')).body).toMatchObject({ code: 'not_found', detail: 'there is no model “misspelt”' });
    expect((await registry.get(`${path}/rollouts/nonsense`)).body).toMatchObject({ code: 'not_found' });
    expect((await registry.call('POST', `${path}/rollouts/3f0e6c8e-3b0a-4f64-9a57-0a4f7a1d2b11/abort`, {})).body).toMatchObject({ code: 'not_found' });
  });
});

describe('what was champion', () => {
  it('at any instant is one GET', async () => {
    const path = await withVersions('history', 2);
    const first = (await registry.get(`${path}/aliases/champion`)).body.changedAt as string;
    await registry.put(`${path}/aliases/champion`, { version: '2', author: 'bob', reason: 'better' });
    const second = (await registry.get(`${path}/aliases/champion`)).body.changedAt as string;
    const at = (instant: string) => registry.get(`${path}/aliases/champion?at=${encodeURIComponent(instant)}`);
    expect((await at(first)).body).toMatchObject({ version: '1', author: 'ada' });
    expect((await at(second)).body).toMatchObject({ version: '2', author: 'bob', reason: 'better' });
    expect((await at(new Date(Date.parse(first) - 1000).toISOString())).body).toMatchObject({ code: 'not_found' });
    expect((await at('yesterday')).body).toMatchObject({ code: 'invalid_request' });
    expect((await registry.call('POST', `${path}/rollback`, { author: 'ada' })).body).toEqual({ champion: '1' });
    expect(await championOf(path)).toBe('1');
  });
});
