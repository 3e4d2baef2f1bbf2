import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Client, graph, Installation, METADATA, runRegistry } from './testing/harness.js';

const { dataset: _, codeCommit: __, metrics: ___, ...WITHOUT_LINEAGE } = METADATA;
const RULES = JSON.stringify({ throughlineRules: 1, features: METADATA.features, outputs: { probability: 'hour > 1.0 ? 0.4 : 0.1' }, score: 'probability' });

const { installation, registry } = await runRegistry();

const actions = async (model: string): Promise<string[]> => (await registry.get(`/audit?model=${model}`)).body.map(({ actor, action }: Record<string, string>) => `${actor} ${action}`);

describe('a version that does not say what made it', () => {
  it('shows what is missing', async () => {
    const { body } = await registry.upload('silent', { metadata: { ...WITHOUT_LINEAGE, metrics: { auc: 0.7 }, dataset: {} } });
    expect(body).toMatchObject({ missingLineage: ['dataset', 'codeCommit'], overrides: [] });
    expect((await registry.upload('silent', { metadata: METADATA })).body.missingLineage).toEqual([]);
  });

  it.each([
    ['champion', { champion: '2' }],
    ['challenger', { champion: '1', challengers: [{ version: '2', share: 0.1 }] }],
    ['shadow', { champion: '1', shadows: ['2'] }],
    ['fallback', { champion: '1', fallbacks: [{ kind: 'previous_version', version: '2' }] }],
  ])('does not serve as %s, and the refusal names what is missing and the cure', async (role, deployment) => {
    const model = `refused-${role}`;
    await registry.upload(model);
    await registry.upload(model, { metadata: WITHOUT_LINEAGE });
    expect(await registry.put(`/models/${model}/deployment`, deployment)).toMatchObject({ status: 409, body: { code: 'lineage_incomplete', detail: expect.stringMatching(/version 2 .* dataset, codeCommit, metrics/), cure: expect.stringContaining(`/models/${model}/versions/2/overrides`) } });
    expect((await registry.get(`/models/${model}/aliases`)).body).toEqual([]);
    expect((await registry.get(`/models/${model}/deployment`)).status).toBe(404);
  });

  it('does not become champion by its alias, but may have any other', async () => {
    await registry.upload('aliased', { metadata: WITHOUT_LINEAGE });
    expect(await registry.put('/models/aliased/aliases/champion', { version: '1' })).toMatchObject({ status: 409, body: { code: 'lineage_incomplete' } });
    expect((await registry.get('/models/aliased/aliases')).body).toEqual([]);
    expect((await registry.put('/models/aliased/aliases/candidate', { version: '1' })).status).toBe(200);
  });

  it('is no candidate of a rollout, and nothing of one remains, until somebody answers for it', async () => {
    await registry.upload('tried');
    await registry.upload('tried', { metadata: WITHOUT_LINEAGE });
    await registry.put('/models/tried/aliases/champion', { version: '1' });
    const start = (more: object) => registry.call('POST', '/models/tried/rollouts', { strategy: 'shadow', candidate: '2', ...more });
    expect(await start({})).toMatchObject({ status: 409, body: { code: 'lineage_incomplete', detail: expect.stringContaining('version 2') } });
    expect((await registry.get('/models/tried/rollouts')).body).toEqual([]);
    await registry.call('POST', '/models/tried/versions/2/overrides', { author: 'ada', reason: 'to see how it does' });
    expect((await start({})).status).toBe(201);
  });

  it('serves once somebody answers for it by name, and that stays on record', async () => {
    await registry.upload('answered', { metadata: WITHOUT_LINEAGE });
    expect((await registry.call('POST', '/models/answered/versions/1/overrides', { author: 'ada' })).status).toBe(400);
    expect(await registry.call('POST', '/models/answered/versions/1/overrides', { author: 'ada', reason: 'scored by hand' })).toMatchObject({ status: 201, body: { missingLineage: ['dataset', 'codeCommit', 'metrics'], overrides: [{ author: 'ada', reason: 'scored by hand' }] } });
    expect((await registry.put('/models/answered/aliases/champion', { version: '1' })).status).toBe(200);
    expect(await actions('answered')).toContain('ada version.override');
    await expect(installation.sql("DELETE FROM version_overrides WHERE model = 'answered'")).rejects.toThrow('append-only');
  });

  it('serves with the override in the same request, which needs an author', async () => {
    await registry.upload('shortcut', { metadata: WITHOUT_LINEAGE });
    const put = (body: object) => registry.put('/models/shortcut/aliases/champion', { version: '1', override: 'incident 7', ...body });
    expect(await put({})).toMatchObject({ status: 400, body: { code: 'invalid_request', detail: expect.stringContaining('author') } });
    expect((await put({ author: 'bob' })).status).toBe(200);
    expect((await registry.get('/models/shortcut/versions/1')).body.overrides).toMatchObject([{ author: 'bob', reason: 'incident 7' }]);
    expect(await actions('shortcut')).toEqual(['bob deployment.changed', 'bob version.override', 'bob alias.moved', 'anonymous version.created']);
    expect(await registry.put('/models/shortcut/aliases/other', { version: '1', author: 'bob', override: 'x' })).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  it('needs no override if it is rules, which are their own code', async () => {
    const form = new FormData();
    form.set('artifact', new Blob([RULES]), 'model.rules.json');
    expect((await registry.send('own-code', form)).body.missingLineage).toEqual([]);
    expect((await registry.put('/models/own-code/aliases/champion', { version: '1' })).status).toBe(200);
  });
});

describe('a registry from before versions had to say what made them', () => {
  it('keeps what it has deployed in any role, and asks for the rest', async () => {
    const old = await Installation.create();
    const before = await old.start();
    const client = new Client(before.url);
    for (let bias = 0; bias < 5; bias += 1) await client.upload('veteran', { artifact: graph(bias), metadata: WITHOUT_LINEAGE });
    await before.close();
    const assignment = { champion: 1, challengers: [{ version: 2, share: 0.1 }], shadows: [3], fallbacks: [{ kind: 'previous_version', version: 4 }] };
    await old.sql(`
      DROP TABLE version_archives, version_overrides; ALTER TABLE versions DROP COLUMN golden, DROP COLUMN artifact_signature; DELETE FROM migrations WHERE name LIKE 'VersionTrust%';
      INSERT INTO deployments (model, revision, assignment, author, decided_at) VALUES ('veteran', 1, '${JSON.stringify(assignment)}', 'ada', now())`);
    const after = await old.start();
    const now = new Client(after.url);
    const put = async (version: string): Promise<number> => (await now.put('/models/veteran/aliases/champion', { version })).status;
    expect([await put('2'), await put('3'), await put('4'), await put('5'), await put('1')]).toEqual([200, 200, 200, 409, 200]);
    expect((await now.get('/models/veteran/versions/3')).body.overrides).toMatchObject([{ author: 'throughline', reason: expect.stringContaining('deployed before') }]);
    await after.close();
    await old.remove();
  });
});

describe('archiving', () => {
  const archive = (model: string, version: string, query = '?author=ada&reason=old') => registry.call('DELETE', `/models/${model}/versions/${version}${query}`);
  const listed = async (model: string, query = ''): Promise<string[]> => (await registry.get(`/models/${model}/versions${query}`)).body.map(({ version }: { version: string }) => version);

  it('hides a version, keeps its bytes and its number, and can be taken back', async () => {
    const { body } = await registry.upload('old', { artifact: graph(41) });
    await registry.upload('old', { artifact: graph(42) });
    expect((await archive('old', '1')).status).toBe(204);
    expect((await archive('old', '1')).status).toBe(204);
    expect([await listed('old'), await listed('old', '?archived=true')]).toEqual([['2'], ['2', '1']]);
    expect((await registry.get('/models/old/versions/1')).body.archivedAt).toMatch(/^\d{4}-/);
    expect((await registry.get(`/artifacts/${body.artifactSha256}`)).status).toBe(200);
    expect((await registry.upload('old', { artifact: graph(43) })).body.version).toBe('3');
    expect(await registry.call('POST', '/models/old/versions/1/restore', { author: 'bob' })).toMatchObject({ status: 200, body: { version: '1' } });
    expect(await listed('old')).toEqual(['3', '2', '1']);
    expect((await actions('old')).filter((line) => !line.endsWith('created'))).toEqual(['bob version.restored', 'ada version.archived']);
  });

  it('keeps a version from every deployment and alias, until it is restored', async () => {
    await registry.upload('gone');
    await archive('gone', '1');
    for (const [path, body] of [['aliases/champion', { version: '1' }], ['aliases/other', { version: '1' }], ['deployment', { champion: '1' }]] as const) {
      expect(await registry.put(`/models/gone/${path}`, body)).toMatchObject({ status: 409, body: { code: 'archived', cure: expect.stringContaining('restore') } });
    }
    await registry.call('POST', '/models/gone/versions/1/restore', {});
    expect((await registry.put('/models/gone/aliases/champion', { version: '1' })).status).toBe(200);
  });

  it('is refused for what is in use, and says where', async () => {
    for (let bias = 0; bias < 6; bias += 1) await registry.upload('busy', { artifact: graph(bias) });
    await registry.put('/models/busy/aliases/champion', { version: '6' });
    await registry.put('/models/busy/deployment', { champion: '1', challengers: [{ version: '2', share: 0.1 }], shadows: ['3'], fallbacks: [{ kind: 'previous_version', version: '4' }, { kind: 'previous_version' }] });
    await registry.put('/models/busy/aliases/staging', { version: '5' });
    const places = [/champion in the deployment, the alias “champion”/, /challenger in the deployment/, /shadow in the deployment/, /fallback in the deployment/, /the alias “staging”/, /fallback in the deployment/];
    for (const [index, place] of places.entries()) {
      expect(await archive('busy', String(index + 1))).toMatchObject({ status: 409, body: { code: 'in_use', detail: expect.stringMatching(place) } });
    }
    expect(await listed('busy')).toHaveLength(6);
  });

  it('is refused for the candidate of a rollout, which it names, and an archived version is no candidate', async () => {
    for (let bias = 0; bias < 3; bias += 1) await registry.upload('rolling', { artifact: graph(bias) });
    await registry.put('/models/rolling/aliases/champion', { version: '1' });
    await archive('rolling', '3');
    const start = (candidate: string) => registry.call('POST', '/models/rolling/rollouts', { strategy: 'canary', candidate });
    expect(await start('3')).toMatchObject({ status: 409, body: { code: 'archived' } });
    const { status, body } = await start('2');
    expect(status).toBe(201);
    expect(await archive('rolling', '2')).toMatchObject({ status: 409, body: { code: 'in_use', detail: expect.stringMatching(new RegExp(`standby in the deployment.*in rollout ${body.id}`)) } });
  });

  it('of what is not there says so', async () => {
    expect(await archive('nobody', '1')).toMatchObject({ status: 404, body: { code: 'not_found' } });
    await registry.upload('single');
    expect(await archive('single', '7')).toMatchObject({ status: 404, body: { code: 'unknown_version' } });
  });

  it('of an upload that comes again shows that it is archived', async () => {
    await registry.upload('back', { artifact: graph(9) });
    await archive('back', '1');
    expect(await registry.upload('back', { artifact: graph(9) })).toMatchObject({ status: 200, body: { version: '1', archivedAt: expect.any(String) } });
  });

  it('leaves files alone', async () => {
    const files = (await readdir(join(installation.home, 'artifacts'), { recursive: true })).filter((name) => name.endsWith('.onnx'));
    await registry.upload('files', { artifact: graph(77) });
    await archive('files', '1');
    expect((await readdir(join(installation.home, 'artifacts'), { recursive: true })).filter((name) => name.endsWith('.onnx'))).toHaveLength(files.length + 1);
  });
});
