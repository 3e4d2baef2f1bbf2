import { createServer, type AddressInfo } from 'node:net';
import type { RunningService } from '@throughline/http';
import { spawnService, type SpawnedService } from '@throughline/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { TopicReconciler } from './store/topic-reconciler.js';
import { Client, graph, Installation } from './testing/harness.js';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let installation: Installation;

describe('aliases and deployments', () => {
  let service: RunningService;
  let registry: Client;

  beforeAll(async () => {
    installation = await Installation.create();
    service = await installation.start();
    registry = new Client(service.url);
  });
  afterAll(async () => {
    await service.close();
    await installation.remove();
  });

  const withVersions = async (model: string, count: number): Promise<string> => {
    for (let bias = 0; bias < count; bias += 1) await registry.upload(model, { artifact: graph(bias) });
    return `/models/${model}`;
  };
  const eventsOf = (model: string, revision: number) =>
    installation.deploymentEvents((events) => events.some((event) => event.model === model && event.revision === revision))
      .then((events) => events.filter((event) => event.model === model));

  it('a move of the champion deploys it: revision, event, history and audit', async () => {
    const path = await withVersions('flights', 2);
    expect(await registry.put(`${path}/aliases/champion`, { version: '1', expected: null, author: 'ada', reason: 'first' })).toMatchObject({ status: 200, body: { alias: 'champion', version: '1', author: 'ada' } });
    expect((await registry.put(`${path}/aliases/champion`, { version: '2', expected: '1', author: 'bob' })).status).toBe(200);
    const events = await eventsOf('flights', 2);
    expect(events.map(({ revision, champion }) => [revision, champion?.version])).toEqual([[1, '1'], [2, '2']]);
    expect(events[1]).toEqual((await registry.get(`${path}/deployment`)).body);
    expect(events[1]?.champion).toMatchObject({ artifactSha256: (await registry.get(`${path}/versions/2`)).body.artifactSha256, signature: { task: 'binary_classification' } });
    expect((await registry.get(`${path}/aliases/champion/history`)).body).toMatchObject([{ from: '1', to: '2', author: 'bob' }, { from: null, to: '1', author: 'ada', reason: 'first' }]);
    expect((await registry.get(`${path}/deployment/history`)).body).toMatchObject([{ revision: 2, champion: '2', author: 'bob' }, { revision: 1, champion: '1', author: 'ada' }]);
    expect((await registry.get('/audit?model=flights')).body.map(({ actor, action }: Record<string, string>) => `${actor} ${action}`)).toEqual([
      'bob deployment.changed', 'bob alias.moved', 'ada deployment.changed', 'ada alias.moved', 'anonymous version.created', 'anonymous version.created',
    ]);
    expect((await registry.get('/models/flights')).body).toMatchObject({ aliases: { champion: '2' }, revision: 2 });
  });

  it('of two writers who race on an alias exactly one wins, in every round', async () => {
    const path = await withVersions('raced', 3);
    await registry.put(`${path}/aliases/champion`, { version: '1' });
    let current = '1';
    for (let round = 0; round < 10; round += 1) {
      const wanted = ['1', '2', '3'].filter((version) => version !== current);
      const answers = await Promise.all(wanted.map((version) => registry.put(`${path}/aliases/champion`, { version, expected: current })));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'conflict', cure: 'Read the current state and try again.' });
      current = answers.find(({ status }) => status === 200)?.body.version;
      expect((await registry.get(`${path}/deployment`)).body.champion.version).toBe(current);
    }
    const events = await eventsOf('raced', 11);
    expect(events.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('a move to where it is already changes nothing and publishes nothing', async () => {
    const path = await withVersions('still', 1);
    await registry.put(`${path}/aliases/champion`, { version: '1' });
    expect((await registry.put(`${path}/aliases/champion`, { version: '1' })).status).toBe(200);
    expect((await registry.get(`${path}/deployment`)).body.revision).toBe(1);
    expect((await registry.get(`${path}/aliases/champion/history`)).body).toHaveLength(1);
  });

  it('other aliases move without touching what serves', async () => {
    const path = await withVersions('candidates', 1);
    expect((await registry.put(`${path}/aliases/candidate`, { version: '1' })).status).toBe(200);
    expect(await registry.get(`${path}/deployment`)).toMatchObject({ status: 404, body: { detail: expect.stringMatching(/nothing of model “candidates” is deployed/) } });
  });

  it('a deployment written whole moves the champion alias with it', async () => {
    const path = await withVersions('whole', 3);
    const wanted = { champion: '1', challengers: [{ version: '2', share: 0.25 }], shadows: ['3'], maxBatchSize: 64, expectedRevision: 0, author: 'ada' };
    expect(await registry.put(`${path}/deployment`, wanted)).toMatchObject({
      status: 200, body: { revision: 1, champion: { version: '1' }, challengers: [{ version: '2', share: 0.25 }], shadows: [{ version: '3' }], splitSalt: 'whole/1', maxBatchSize: 64 },
    });
    expect((await registry.get(`${path}/aliases/champion`)).body).toMatchObject({ version: '1', author: 'ada' });
    expect(await registry.put(`${path}/deployment`, wanted)).toMatchObject({ status: 409, body: { code: 'conflict', detail: expect.stringMatching(/revision 1, not 0/) } });
    await registry.put(`${path}/aliases/champion`, { version: '2' });
    expect((await registry.get(`${path}/deployment`)).body).toMatchObject({ revision: 2, champion: { version: '2' }, challengers: [], shadows: [{ version: '3' }] });
  });

  it('without a champion nothing serves, and the event says so', async () => {
    const path = await withVersions('retired', 1);
    await registry.put(`${path}/aliases/champion`, { version: '1' });
    expect((await registry.call('DELETE', `${path}/aliases/champion?expected=1&author=ada`)).status).toBe(204);
    expect((await eventsOf('retired', 2)).at(-1)).not.toHaveProperty('champion');
    expect((await registry.get(`${path}/aliases/champion`)).status).toBe(404);
  });

  it.each([
    ['a version that does not exist', 'aliases/champion', { version: '7' }, 404, 'unknown_version'],
    ['a version that can be none', 'aliases/champion', { version: 'latest' }, 400, 'invalid_request'],
    ['an alias that is a number', 'aliases/2', { version: '1' }, 400, 'invalid_request'],
    ['a field nobody knows', 'aliases/champion', { version: '1', expectd: '1' }, 400, 'invalid_request'],
    ['one version in two roles', 'deployment', { champion: '1', shadows: ['1'] }, 400, 'invalid_request'],
    ['a shadow that does not exist', 'deployment', { champion: '1', shadows: ['7'] }, 404, 'unknown_version'],
    ['shares above 1', 'deployment', { champion: '1', challengers: [{ version: '2', share: 1.5 }] }, 400, 'invalid_request'],
  ])('%s is refused, and nothing changes', async (_, path, body, status, code) => {
    const model = await withVersions('refused', 2);
    expect(await registry.put(`${model}/${path}`, body)).toMatchObject({ status, body: { code } });
    expect((await registry.get(`${model}/aliases`)).body).toEqual([]);
    expect((await registry.get(`${model}/deployment`)).status).toBe(404);
  });

  it('a model that does not exist has no aliases to move', async () =>
    expect(await registry.put('/models/nobody/aliases/champion', { version: '1' })).toMatchObject({ status: 404, body: { code: 'not_found' } }));

  it('nobody rewrites the past, not even in the database', async () => {
    for (const statement of ["UPDATE audit SET actor = 'x'", 'DELETE FROM audit', 'TRUNCATE audit', 'DELETE FROM alias_changes', 'UPDATE deployments SET revision = 99', "UPDATE versions SET artifact_sha256 = 'x'"]) {
      await expect(installation.sql(statement)).rejects.toThrow(/append-only/);
    }
  });

  it('the audit is read in pages', async () => {
    const first = (await registry.get('/audit?limit=3')).body;
    const second = (await registry.get(`/audit?limit=3&before=${first.at(-1).id}`)).body;
    expect([...first, ...second].map(({ id }: { id: string }) => Number(id))).toEqual([...first, ...second].map(({ id }: { id: string }) => Number(id)).sort((a, b) => b - a));
    expect(new Set([...first, ...second].map(({ id }: { id: string }) => id)).size).toBe(6);
  });
});

describe('a registry whose topic was lost', () => {
  it('publishes what is in force again, and only once', async () => {
    const before = await Installation.create();
    const first = await before.start();
    const registry = new Client(first.url);
    for (const bias of [0, 1]) await registry.upload('kept', { artifact: graph(bias) });
    for (const version of ['1', '2']) await registry.put('/models/kept/aliases/champion', { version });
    await before.deploymentEvents((events) => events.length === 2);
    await first.close();

    const after = await Installation.create({ DATABASE_SCHEMA_PREFIX: before.env['DATABASE_SCHEMA_PREFIX']!, THROUGHLINE_HOME: before.home });
    const second = await after.start();
    expect((await after.deploymentEvents((events) => events.length > 0))[0]).toMatchObject({ model: 'kept', revision: 2, champion: { version: '2' } });
    await second.close();
    const third = await after.start();
    await third.app.get(TopicReconciler).reconcile();
    await expect.poll(() => after.sql('SELECT topic FROM outbox'), { timeout: 10_000 }).toEqual([]);
    await third.close();
    const published: string[] = [];
    await after.bus.admin.scan('model.deployment.v1', (messages) => void published.push(...messages.map(({ key }) => String(key))));
    expect(published).toEqual(['kept']);
    await before.remove();
    await after.remove();
  });
});

describe('a registry that is killed between commit and publish', () => {
  let installed: Installation;
  const registries: SpawnedService[] = [];

  beforeAll(async () => { installed = await Installation.create({ LOG_LEVEL: 'info' }); });
  afterEach(() => Promise.all(registries.splice(0).map((registry) => registry.end('SIGKILL'))));
  afterAll(() => installed.remove());

  it('has still published the deployment after its restart', async () => {
    const nowhere = await brokerThatNeverAnswers();
    const first = await start({ KAFKA_BROKERS: nowhere.address });
    const registry = new Client(first.url);
    await registry.upload('survivor');
    expect((await registry.put('/models/survivor/aliases/champion', { version: '1', author: 'ada' })).status).toBe(200);
    await first.end('SIGKILL');
    nowhere.close();
    expect(await installed.sql('SELECT topic FROM outbox')).toEqual([{ topic: 'model.deployment.v1' }]);

    await start({});
    const [event] = await installed.deploymentEvents((events) => events.length > 0);
    expect(event).toMatchObject({ model: 'survivor', revision: 1, champion: { version: '1' } });
    await expect.poll(() => installed.sql('SELECT topic FROM outbox'), { timeout: 5000 }).toEqual([]);
  });

  async function start(env: Record<string, string>): Promise<SpawnedService> {
    const registry = await spawnService('model-registry', { ...installed.env, ...env }, { until: 'listening' });
    registries.push(registry);
    return registry;
  }
});

/** Accepts connections and says nothing, as a broker behind a broken network does. */
async function brokerThatNeverAnswers(): Promise<{ address: string; close(): void }> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
