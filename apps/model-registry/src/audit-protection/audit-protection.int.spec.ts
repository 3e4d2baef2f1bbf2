import { randomBytes } from 'node:crypto';
import { ensureRuntimeRole } from '@throughline/local-stack';
import { hashKey, keyText, SECRET_BYTES, type RunningService } from '@throughline/http';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, Installation } from '../testing/harness.js';

const role = `registry_${randomBytes(4).toString('hex')}`;
const ownerUrl = process.env['DATABASE_URL']!;
const key = keyText('ops', randomBytes(SECRET_BYTES));
let installation: Installation;
let service: RunningService;
let runtimeUrl: string;

beforeAll(async () => {
  runtimeUrl = await ensureRuntimeRole(ownerUrl, role);
  installation = await Installation.create({ DATABASE_OWNER_URL: ownerUrl });
  Object.assign(installation.env, { DATABASE_URL: runtimeUrl });
  service = await installation.start();
}, 60_000);
afterAll(async () => {
  await service.close();
  Object.assign(installation.env, { DATABASE_URL: ownerUrl });
  await installation.remove();
  await installation.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
}, 60_000);

/** As somebody who has got hold of the registry's own connection. */
async function asRuntime(statement: string): Promise<string> {
  const client = new pg.Client({ connectionString: runtimeUrl, options: `-c search_path=${installation.env['DATABASE_SCHEMA_PREFIX']}model_registry` });
  await client.connect();
  try {
    await client.query(statement);
    return 'done';
  } catch (error) {
    return (error as Error).message;
  } finally {
    await client.end();
  }
}

describe('a registry that logs in with a role that owns nothing', () => {
  it('works as ever: uploads, aliases, deployments, their history', async () => {
    const client = new Client(service.url);
    expect((await client.upload('late')).status).toBe(201);
    expect((await client.put('/models/late/aliases/champion', { version: '1', author: 'ada' })).status).toBe(200);
    expect((await client.get('/models/late/aliases/champion/history')).body).toMatchObject([{ author: 'ada' }]);
    expect((await client.get('/models/late/deployment')).body).toMatchObject({ revision: 1 });
    expect((await client.call('DELETE', '/models/late/aliases/champion')).status).toBe(204);
    expect((await client.call('DELETE', '/models/late/versions/1')).status).toBe(204);
  });

  it('says that its audit is out of its reach', async () => {
    expect((await new Client(service.url).get('/audit/protection')).body).toEqual({ protected: true, role, weaknesses: [] });
  });

  it('can change no line of anything that is append-only, whatever it tries', async () => {
    const tables = (await installation.sql("SELECT DISTINCT c.relname AS name FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname = 'append_only' AND c.relnamespace = current_schema()::regnamespace")).map(({ name }) => name as string);
    expect(tables).toEqual(expect.arrayContaining(['alias_changes', 'audit', 'deployments', 'versions']));
    for (const table of tables) {
      for (const statement of [`DELETE FROM ${table}`, `TRUNCATE ${table}`, `DROP TRIGGER append_only ON ${table}`, `ALTER TABLE ${table} DISABLE TRIGGER ALL`, `DROP TABLE ${table} CASCADE`]) {
        expect([statement, await asRuntime(statement)]).toEqual([statement, expect.stringMatching(/permission denied|must be owner/)]);
      }
    }
    expect(await asRuntime("UPDATE audit SET actor = 'nobody'")).toMatch(/permission denied/);
    expect(await asRuntime('CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$')).toMatch(/permission denied|must be owner/);
  });

  it('starts again on what it finds', async () => {
    await service.close();
    service = await installation.start();
    expect((await new Client(service.url).get('/models')).status).toBe(200);
  });
});

it('what is decided with a key goes on record under the key’s name', async () => {
  await service.close();
  Object.assign(installation.env, { AUTH_KEYS: JSON.stringify([{ id: 'ops', sha256: hashKey(key), role: 'approver', name: 'release-bot' }]) });
  service = await installation.start();
  const call = (method: string, path: string, body?: object): Promise<Response> =>
    fetch(`${service.url}/registry/v1/models/late${path}`, { method, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, ...(body && { body: JSON.stringify(body) }) });
  expect((await call('POST', '/versions/1/restore', { author: 'somebody else' })).status).toBe(200);
  expect((await call('PUT', '/aliases/candidate', { version: '1', author: 'somebody else' })).status).toBe(200);
  expect(await installation.sql("SELECT DISTINCT author FROM alias_changes WHERE alias = 'candidate' UNION SELECT author FROM aliases")).toEqual([{ author: 'key:release-bot' }]);
  expect((await call('GET', '/aliases/candidate').then(() => fetch(`${service.url}/registry/v1/models`))).status).toBe(401);
});
