import { randomUUID } from 'node:crypto';
import { createBus, type Bus } from '@throughline/bus';
import { decodeOrThrow, encodeEvent, type EventData, type EventTopic } from '@throughline/contracts';
import { startService, type RunningService } from '@throughline/http';
import { createLogger } from '@throughline/telemetry';
import { eventually, spawnService, type Env, type SpawnedService } from '@throughline/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readSettings } from './config.js';
import { retrainingCoordinator } from './service.js';
import { Gate } from './testing/gate.js';
import { deployChampion, publishHistory } from './testing/history.js';
import { installation } from './testing/installation.js';

const ENOUGH = 1600;
const FEW = 400;

vi.setConfig({ testTimeout: 60_000 });

let env: Env;
let bus: Bus;
let registry: SpawnedService;
let ledger: SpawnedService;
let ledgerGate: Gate;
let coordinator: RunningService;

beforeAll(async () => {
  env = await installation();
  bus = createBus(readSettings(env), { clientId: 'test' });
  await bus.admin.createTopics();
  [registry, ledger] = await Promise.all([spawnService('model-registry', env), spawnService('outcome-ledger', env)]);
  ledgerGate = await Gate.before(ledger.url);
  for (const [model, count] of [['late', ENOUGH], ['few', FEW]] as const) {
    const { artifactSha256 } = await deployChampion(registry.url, model);
    await publishHistory(bus, model, artifactSha256, count);
  }
  await eventually('every outcome is joined', async () => {
    const { joined } = (await (await fetch(`${ledger.url}/ledger/v1/summary`)).json()) as { joined: number };
    return joined >= ENOUGH + FEW ? true : undefined;
  });
  const settings = readSettings({ ...env, PORT: '0', REGISTRY_URL: registry.url, LEDGER_URL: ledgerGate.url });
  coordinator = await startService({ ...retrainingCoordinator(settings), logger: createLogger('retraining-coordinator', { level: env['LOG_LEVEL']! }) });
}, 120_000);

afterAll(async () => {
  await coordinator?.close();
  ledgerGate?.close();
  await Promise.all([registry?.end('SIGKILL'), ledger?.end('SIGKILL')]);
  await bus?.close();
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of every shape
type Body = any;
const call = async (method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }> => {
  const response = await fetch(`${coordinator.url}/retraining/v1${path}`, { method, ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }) });
  return { status: response.status, body: await response.json() };
};
const ended = (runId: string): Promise<Body> =>
  eventually('the run ends', async () => {
    const { body } = await call('GET', `/runs/${runId}`);
    return ['succeeded', 'failed', 'rejected'].includes(body.status) ? body : undefined;
  });
const read = async <T extends EventTopic>(topic: T): Promise<EventData<T>[]> => {
  const events: EventData<T>[] = [];
  await bus.admin.scan(topic, (messages) => void events.push(...messages.map((message) => decodeOrThrow(topic, message).data)));
  return events;
};
const alert = (change: Partial<EventData<'alert.raised.v1'>> = {}): EventData<'alert.raised.v1'> => ({
  alertId: randomUUID(), model: 'late', version: '1', kind: 'quality', tier: 'alarm', subject: 'auc', summary: 'AUC fell', evidence: { auc: 0.6 }, raisedAt: new Date().toISOString(), ...change,
});
const publish = <T extends 'alert.raised.v1' | 'retraining.requested.v1'>(topic: T, ...events: EventData<T>[]) =>
  bus.producer.sendAll(events.map((data) => ({ topic, key: data.model, ...encodeEvent(topic, { id: randomUUID(), source: '/test', timeMs: Date.now(), data }) })));
/** Everything that was published on the topic before has been decided on. */
const decided = (topic: 'alert.raised.v1' | 'retraining.requested.v1') =>
  eventually(`${topic} is consumed`, async () => ((await bus.admin.offsets(topic, 'retraining-coordinator')).every(({ high, committed }) => high === 0n || committed === high) ? true : undefined));
const runsOf = async (model: string): Promise<Body[]> => (await call('GET', `/runs?model=${model}`)).body.runs;

describe('a run', () => {
  it('registers a candidate that beats the champion, with both sides’ numbers on the same later predictions', async () => {
    const { status, body } = await call('POST', '/runs', { model: 'late', reason: 'a test' });
    expect(status).toBe(202);
    const run = await ended(body.runId);
    expect(run).toMatchObject({ status: 'succeeded', fraction: 1, reason: 'a test', championVersion: '1', candidateVersion: '2' });
    expect(run.candidateMetrics.auc).toBeGreaterThan(run.championMetrics.auc + 0.1);
    expect(run.candidateMetrics.rows).toBe(ENOUGH / 4);
    expect(run.championMetrics.rows).toBe(ENOUGH / 4);

    const version = (await (await fetch(`${registry.url}/registry/v1/models/late/versions/2`)).json()) as Body;
    expect(JSON.stringify(version)).toContain('"parentVersion":"1"');
    expect(JSON.stringify(version)).toContain(run.runId);
    const champion = (await (await fetch(`${registry.url}/registry/v1/models/late/aliases/champion`)).json()) as Body;
    expect(champion.version, 'promotion is by hand').toBe('1');
  });

  it('is told to the world: requested, each stage, finished', async () => {
    const finished = await eventually('the end is published', async () => (await read('retraining.finished.v1'))[0]);
    expect(finished).toMatchObject({ model: 'late', status: 'succeeded', candidateVersion: '2' });
    expect((await read('retraining.requested.v1')).map(({ runId }) => runId)).toEqual([finished.runId]);
    const stages = (await read('retraining.progressed.v1')).filter(({ runId }) => runId === finished.runId);
    expect([...new Set(stages.map(({ stage }) => stage))]).toEqual(['export', 'train', 'evaluate', 'register']);
    const fractions = stages.map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  });

  it('ends as insufficient data when there are not enough outcomes', async () => {
    const { body } = await call('POST', '/runs', { model: 'few' });
    expect(await ended(body.runId)).toMatchObject({ status: 'rejected', code: 'insufficient_data', message: 'insufficient_data: 400 predictions with a usable outcome, the policy wants 1000' });
  });

  it('is the only one of its model in flight', async () => {
    ledgerGate.set('hold');
    const { body: first } = await call('POST', '/runs', { model: 'late' });
    const second = await call('POST', '/runs', { model: 'late' });
    expect(second).toMatchObject({ status: 409, body: { code: 'conflict', detail: `run ${first.runId} of model late is in flight` } });
    const overKafka = { runId: randomUUID(), model: 'late', reason: 'over Kafka', requestedAt: new Date().toISOString() };
    await publish('retraining.requested.v1', overKafka);
    expect(await ended(overKafka.runId)).toMatchObject({ status: 'rejected', code: 'conflict' });
    ledgerGate.set('pass');
    expect(await ended(first.runId)).toMatchObject({ status: 'succeeded' });
  });

  it('waits for a ledger that is down instead of failing', async () => {
    ledgerGate.set('refuse');
    const { body } = await call('POST', '/runs', { model: 'late' });
    await eventually('it stumbles', async () => ((await call('GET', `/runs/${body.runId}`)).body.failures === 1 ? true : undefined));
    expect((await call('GET', `/runs/${body.runId}`)).body).toMatchObject({ status: 'queued', message: 'the ledger: status 503' });
    ledgerGate.set('pass');
    expect(await ended(body.runId)).toMatchObject({ status: 'succeeded', failures: 1 });
  });

  it('starts on a request over Kafka, once for each id', async () => {
    const wanted = { runId: randomUUID(), model: 'few', reason: 'over Kafka', requestedAt: new Date().toISOString() };
    await publish('retraining.requested.v1', wanted, wanted);
    expect(await ended(wanted.runId)).toMatchObject({ status: 'rejected', reason: 'over Kafka' });
    await publish('retraining.requested.v1', wanted);
    await decided('retraining.requested.v1');
    expect((await runsOf('few')).filter(({ runId }) => runId === wanted.runId)).toHaveLength(1);
  });
});

describe('alerts', () => {
  it('start a run on performance evidence, one an alert, and none on drift alone or within the cooldown', async () => {
    await call('PUT', '/models/few/policy', { minLabels: 100, cooldownSeconds: 0 });
    const before = (await runsOf('few')).length;
    const evidence = alert({ model: 'few' });
    await publish('alert.raised.v1', alert({ model: 'few', kind: 'data_drift' }), alert({ model: 'few', version: '9' }), evidence, evidence);
    await decided('alert.raised.v1');
    const started = (await runsOf('few')).slice(0, -before);
    expect(started).toMatchObject([{ alertId: evidence.alertId, reason: 'quality alarm on auc: AUC fell' }]);
    expect(await ended(started[0]!.runId)).toMatchObject({ status: 'succeeded' });

    await call('PUT', '/models/few/policy', { minLabels: 100, cooldownSeconds: 3600 });
    await publish('alert.raised.v1', alert({ model: 'few', raisedAt: new Date(Date.now() + 1000).toISOString() }));
    await decided('alert.raised.v1');
    expect(await runsOf('few')).toHaveLength(before + 1);
  });

  it('start a run on drift when the policy says so', async () => {
    await call('PUT', '/models/few/policy', { minLabels: 100, cooldownSeconds: 0, trigger: { kinds: ['data_drift'], minTier: 'warn' } });
    const drift = alert({ model: 'few', kind: 'data_drift', tier: 'warn', subject: 'distance', summary: 'PSI 0.3' });
    await publish('alert.raised.v1', drift);
    await decided('alert.raised.v1');
    const [run] = await runsOf('few');
    expect(run).toMatchObject({ alertId: drift.alertId });
    await ended(run.runId);
  });
});

describe('a schedule', () => {
  const sql = async (text: string): Promise<void> => {
    const client = new pg.Client({ connectionString: env['DATABASE_URL']!, options: `-c search_path=${env['DATABASE_SCHEMA_PREFIX']}retraining` });
    await client.connect();
    await client.query(text).finally(() => client.end());
  };
  const scheduled = async (model: string): Promise<Body[]> => (await runsOf(model)).filter(({ reason }) => String(reason).startsWith('scheduled for'));

  it('that was missed for days makes one run, whichever of two instances sees it, and comes again at its time', async () => {
    const schedule = { cron: '30 3 * * *', timeZone: 'Europe/Berlin' };
    const { body: put } = await call('PUT', '/models/few/policy', { minLabels: 100, schedule });
    expect(put).toMatchObject({ schedule, given: { minLabels: 100, schedule } });
    expect(Date.parse(put.nextDueAt)).toBeGreaterThan(Date.now());
    const settings = readSettings({ ...env, PORT: '0', REGISTRY_URL: registry.url, LEDGER_URL: ledgerGate.url });
    const second = await startService({ ...retrainingCoordinator(settings), logger: createLogger('retraining-coordinator', { level: env['LOG_LEVEL']! }) });
    await sql(`UPDATE retraining_schedule SET next_due_at = next_due_at - interval '5 days'`);
    await eventually('it goes on', async () => ((await call('GET', '/models/few/policy')).body.nextDueAt === put.nextDueAt ? true : undefined));
    const [run] = await scheduled('few');
    await ended(run.runId);
    await second.close();
    expect(await scheduled('few')).toHaveLength(1);
    expect((await call('PUT', '/models/few/policy', { minLabels: 200, schedule })).body.nextDueAt, 'another put does not postpone it').toBe(put.nextDueAt);
    expect((await call('PUT', '/models/few/policy', { minLabels: 200 })).body).not.toHaveProperty('nextDueAt');
  });

  it('starts nothing while the policy is disabled, and goes on', async () => {
    const { body: put } = await call('PUT', '/models/few/policy', { enabled: false, schedule: { cron: '0 0 * * *' } });
    await sql(`UPDATE retraining_schedule SET next_due_at = now() - interval '1 minute'`);
    await eventually('it goes on', async () => ((await call('GET', '/models/few/policy')).body.nextDueAt === put.nextDueAt ? true : undefined));
    expect(await scheduled('few')).toHaveLength(1);
  });
});

describe('over HTTP', () => {
  it('gives the default policy where none was put, and what was put after', async () => {
    expect((await call('GET', '/models/nobody/policy')).body).toMatchObject({ model: 'nobody', configured: false, enabled: true, minLabels: 1000, trigger: { kinds: ['quality'], minTier: 'alarm' } });
    expect((await call('PUT', '/models/nobody/policy', { enabled: false })).body).toMatchObject({ configured: true, enabled: false, minLabels: 1000 });
    expect((await call('GET', '/models/nobody/policy')).body).toMatchObject({ configured: true, enabled: false });
  });

  it.each([
    ['PUT', '/models/late/policy', { minLabels: 5 }, 400, 'invalid_request', 'minLabels must not be less than 100'],
    ['PUT', '/models/late/policy', { schedule: { cron: '0 0 30 2 *' } }, 400, 'invalid_request', 'never comes'],
    ['PUT', '/models/late/policy', { trigger: { kinds: ['books'], minTier: 'alarm' } }, 400, 'invalid_request', 'kinds'],
    ['POST', '/runs', {}, 400, 'invalid_request', 'model'],
    ['POST', '/runs', { model: 'unheard' }, 404, 'unknown_model', 'model unheard has no champion'],
    ['GET', `/runs/${randomUUID()}`, undefined, 404, 'not_found', 'there is no run'],
    ['GET', '/runs/x', undefined, 404, 'not_found', 'there is no run x'],
  ])('answers %s %s %j with a problem that says why', async (method, path, body, status, code, detail) => {
    expect(await call(method, path, body)).toMatchObject({ status, body: { code, detail: expect.stringContaining(detail) } });
  });
});
