import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Body, Controller, Get, Module, Post, Put } from '@nestjs/common';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startService, type RunningService } from '../service.js';
import { hashKey, keyText, SECRET_BYTES, type KeyRecord } from './api-keys.js';
import type { DoorSettings } from './authenticator.js';
import { Caller, Requires } from './guard.js';
import { authorOf, type Principal } from './principal.js';
import type { Role } from './roles.js';
import { TestIssuer } from './testing/issuer.js';

@Controller()
class DoorsController {
  @Get('things') read(@Caller() caller: Principal): unknown {
    return caller;
  }
  @Post('things') write(@Caller() caller: Principal, @Body() body: { author?: string }): unknown {
    return { author: authorOf(caller, body.author) };
  }
  @Post('v2/models/:model/infer') infer(): unknown {
    return {};
  }
  @Post('things/reset') @Requires('admin') reset(): unknown {
    return {};
  }
  @Put('registry/v1/models/:name/deployment') deploy(): unknown {
    return {};
  }
}

@Module({ controllers: [DoorsController] })
class DoorsModule {}

const folder = mkdtempSync(join(tmpdir(), 'throughline-doors-'));
const file = join(folder, 'keys.json');
const keys = {} as Record<Role | 'expired', string>;
const records: KeyRecord[] = [];
const logged: string[] = [];
let service: RunningService;
let issuer: TestIssuer;

function addKey(id: string, role: Role, more: Partial<KeyRecord> = {}): string {
  const key = keyText(id, randomBytes(SECRET_BYTES));
  records.push({ id, sha256: hashKey(key), role, name: id, ...more });
  return key;
}
const save = (): void => writeFileSync(file, JSON.stringify(records), { mode: 0o600 });

const start = (doors: DoorSettings, host = '127.0.0.1'): Promise<RunningService> =>
  startService({
    name: 'doors', module: DoorsModule, openApi: { title: '', description: '' }, settings: { host, port: 0, doors },
    logger: pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) }) as never,
    // A plugin that is waited for, as the registry has them: it must change nothing of what a service answers.
    configure: async (app) => void (await app.register(async () => undefined)),
    checks: () => ({ database: () => { throw new Error('10.1.2.3 refused'); } }),
  });

beforeAll(async () => {
  issuer = await TestIssuer.start();
  for (const role of ['viewer', 'producer', 'operator', 'approver', 'admin'] as const) keys[role] = addKey(role, role);
  keys.expired = addKey('old', 'admin', { expiresAt: '2026-01-01T00:00:00Z' });
  save();
  service = await start({ AUTH_KEYS_FILE: file, AUTH_OIDC_ISSUER: issuer.url, AUTH_OIDC_AUDIENCE: 'throughline' });
});
afterAll(async () => {
  await service.close();
  await issuer.stop();
  rmSync(folder, { recursive: true });
});

const call = async (method: string, path: string, token?: string, to = service, body?: unknown) => {
  const headers: Record<string, string> = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const response = await fetch(`${to.url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text.startsWith('{') ? JSON.parse(text) : text) as Record<string, unknown> };
};

describe('whoever says nothing', () => {
  it.each(['/things', '/metrics', '/openapi.json', '/nowhere'])('is told by %s how to say who they are', async (path) => {
    const { status, headers, body } = await call('GET', path);
    expect([status, headers.get('www-authenticate'), body['code']]).toEqual([401, 'Bearer realm="throughline"', 'unauthenticated']);
  });
  it('learns whether the service lives and is ready, but not why not', async () => {
    expect(await call('GET', '/health/live')).toMatchObject({ status: 200 });
    expect(await call('GET', '/health/ready')).toMatchObject({ status: 503, body: { status: 'error' } });
    expect((await call('GET', '/health/ready')).body).not.toHaveProperty('checks');
    expect((await call('GET', '/health/ready', await issuer.token({ roles: [] }))).body).not.toHaveProperty('checks');
    expect((await call('GET', '/health/ready', keys.viewer)).body).toHaveProperty('checks');
  });
});

describe('roles', () => {
  const DOORS = [['GET', '/things'], ['POST', '/v2/models/m/infer'], ['POST', '/things'], ['PUT', '/registry/v1/models/m/deployment'], ['POST', '/things/reset']] as const;
  it.each([
    ['viewer', [200, 403, 403, 403, 403]],
    ['producer', [200, 201, 403, 403, 403]],
    ['operator', [200, 403, 201, 403, 403]],
    ['approver', [200, 403, 201, 200, 403]],
    ['admin', [200, 201, 201, 200, 201]],
  ] as const)('%s opens just these doors', async (role, expected) => {
    const statuses = [];
    for (const [method, path] of DOORS) statuses.push((await call(method, path, keys[role], service, method === 'GET' ? undefined : {})).status);
    expect(statuses).toEqual(expected);
  });
  it('a refusal names the role that is needed', async () => {
    expect((await call('POST', '/things/reset', keys.operator)).body).toMatchObject({ code: 'forbidden', detail: 'this needs the role admin; key:operator has operator' });
  });
  it('cannot be got around by another spelling of the path', async () => {
    expect((await call('PUT', '/registry/v1/models/%6d/%64eployment', keys.operator, service, {})).status).toBe(403);
  });
  it('the author on record is the caller, whatever the body says', async () => {
    expect((await call('POST', '/things', keys.operator, service, { author: 'somebody else' })).body).toEqual({ author: 'key:operator' });
  });
});

describe('an API key', () => {
  it('that is mistyped by one character is not known', async () => {
    const wrong = keys.viewer.slice(0, -2) + (keys.viewer.at(-2) === 'A' ? 'B' : 'A') + keys.viewer.at(-1);
    const { status, headers, body } = await call('GET', '/things', wrong);
    expect([status, headers.get('www-authenticate'), body['detail']]).toEqual([401, 'Bearer realm="throughline", error="invalid_token"', expect.stringContaining('mistyped or revoked')]);
  });
  it('with another key’s id is not known', async () => {
    expect((await call('GET', '/things', keys.viewer.replace('tl_viewer_', 'tl_admin_'))).status).toBe(401);
  });
  it('that has expired says so', async () => {
    expect((await call('GET', '/things', keys.expired)).body).toMatchObject({ code: 'unauthenticated', detail: 'the API key old expired at 2026-01-01T00:00:00Z' });
  });
  it('is refused soon after it was revoked in the file, and a new one accepted, without a restart', async () => {
    const key = addKey('shortlived', 'viewer');
    save();
    await eventually(async () => (await call('GET', '/things', key)).status === 200);
    records.splice(records.findIndex(({ id }) => id === 'shortlived'), 1);
    save();
    await eventually(async () => (await call('GET', '/things', key)).status === 401);
  });
  it('stays in force while the file is garbage', async () => {
    writeFileSync(file, '[{"id":');
    await eventually(() => logged.some((line) => line.includes('the keys read before stay in force')));
    expect((await call('GET', '/things', keys.viewer)).status).toBe(200);
    save();
  });
  it.each([
    ['a file that is not there', () => join(folder, 'missing.json'), /no such file/],
    ['a file that others may write to', () => { const open = join(folder, 'open.json'); writeFileSync(open, '[]'); chmodSync(open, 0o666); return open; }, /chmod 600/],
    ['an entry with an unknown role', () => { const bad = join(folder, 'bad.json'); writeFileSync(bad, JSON.stringify([{ ...records[0], role: 'root' }]), { mode: 0o600 }); return bad; }, /entry 1: role must be one of/],
  ])('is no reason to start with %s', async (_what, make, reason) => {
    await expect(start({ AUTH_KEYS_FILE: make() })).rejects.toThrow(reason);
  });
});

describe('a token', () => {
  it('tells name, roles and team', async () => {
    expect((await call('GET', '/things', await issuer.token({ team: 'fraud', roles: ['viewer', 'producer', 'unknown'] }))).body).toEqual({ name: 'ada', roles: ['viewer', 'producer'], team: 'fraud' });
  });
  it('without a role that is known here may do nothing', async () => {
    expect(await call('GET', '/things', await issuer.token({ roles: 'superuser' }))).toMatchObject({ status: 403, body: { detail: 'this needs the role viewer; ada has no role' } });
  });
  const claims = (alg: string, more: object = {}): string[] => [
    { alg, kid: issuer.publicKey.kid, typ: 'JWT' }, { iss: issuer.url, aud: 'throughline', sub: 'mallory', roles: ['admin'], exp: Math.floor(Date.now() / 1000) + 60, ...more },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  it.each<[string, () => string | Promise<string>, RegExp]>([
    ['that has expired', () => issuer.token({}, { expires: Math.floor(Date.now() / 1000) - 60 }), /the token has expired/],
    ['for another audience', () => issuer.token({}, { audience: 'another-service' }), /not for the audience throughline/],
    ['by another issuer', () => issuer.token({}, { issuer: 'https://evil.example' }), /not by the issuer/],
    ['that is not valid yet', () => issuer.token({ nbf: Math.floor(Date.now() / 1000) + 600 }), /not valid yet/],
    ['that nobody signed (alg none)', () => `${claims('none').join('.')}.`, /algorithm is none of|neither/],
    ['signed with the public key as a shared secret (HS256)', () => {
      const signed = claims('HS256').join('.');
      return `${signed}.${createHmac('sha256', JSON.stringify(issuer.publicKey)).update(signed).digest('base64url')}`;
    }, /algorithm is none of RS256, ES256/],
    ['signed by a key that the issuer does not have', () => issuer.token({}, { kid: 'nobody-knows-it' }), /key that the issuer did not name/],
    ['whose content was changed', async () => {
      const [head, , signature] = (await issuer.token()).split('.');
      return `${head}.${claims('ES256')[1]}.${signature}`;
    }, /signature is wrong/],
    ['without a subject', () => issuer.token({ sub: undefined }), /claim sub is missing/],
    ['with the name of an API key', () => issuer.token({ sub: 'key:admin' }), /somebody else’s name/],
    ['with a line break in its name', () => issuer.token({ sub: 'ada\nadmin' }), /claim sub names nobody/],
    ['that is garbage', () => 'garbage', /neither an API key nor a signed token/],
  ])('%s is refused with the reason', async (_what, token, reason) => {
    const { status, headers, body } = await call('GET', '/things', await token());
    expect([status, headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('error="invalid_token"')]);
    expect(body['detail']).toMatch(reason);
  });
});

describe('an issuer', () => {
  let own: TestIssuer;
  beforeEach(async () => {
    own = await TestIssuer.start();
    return () => own.stop().catch(() => undefined);
  });
  const serve = (more: DoorSettings = {}): Promise<RunningService> => start({ AUTH_OIDC_ISSUER: own.url, AUTH_OIDC_AUDIENCE: 'throughline', AUTH_KEYS_FILE: file, ...more });

  it('that is down stops nobody whose key is known: tokens by keys once fetched, and API keys, go on', async () => {
    const guarded = await serve();
    expect((await call('GET', '/things', await own.token(), guarded)).status).toBe(200);
    await own.stop();
    expect((await call('GET', '/things', await own.token({ sub: 'grace' }), guarded)).status).toBe(200);
    expect((await call('GET', '/things', keys.viewer, guarded)).status).toBe(200);
    await guarded.close();
    await own.listen();
  });
  it('that was never reachable is told apart from a wrong token, and its return is noticed', async () => {
    await own.stop();
    const guarded = await serve();
    expect(await call('GET', '/things', await own.token(), guarded)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    await own.listen();
    expect((await call('GET', '/things', await own.token(), guarded)).status).toBe(200);
    await guarded.close();
  });
  it('is asked once for many tokens', async () => {
    const guarded = await serve();
    for (let index = 0; index < 10; index += 1) await call('GET', '/things', await own.token({ sub: `caller-${index}` }), guarded);
    expect(own.keyRequests).toBe(1);
    await guarded.close();
  });
  it('without an audience is no configuration', async () => {
    await expect(start({ AUTH_OIDC_ISSUER: own.url })).rejects.toThrow(/AUTH_OIDC_AUDIENCE is not set/);
  });
});

describe('with authentication', () => {
  it('a service may listen where others can reach it, and answers to any name', async () => {
    const open = await start({ AUTH_KEYS_FILE: file }, '0.0.0.0');
    const { port } = new URL(open.url);
    const answer = await fetch(`http://127.0.0.1:${port}/things`, { headers: { authorization: `Bearer ${keys.viewer}`, origin: 'https://elsewhere.example' } });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, null]);
    await open.close();
  });
  it('no key and no token is ever logged', async () => {
    const token = await issuer.token({}, { audience: 'other' });
    await call('GET', '/things', token);
    const secrets = [...Object.values(keys), token].map((secret) => secret.slice(-20));
    expect(logged.length).toBeGreaterThan(0);
    expect(secrets.filter((secret) => logged.some((line) => line.includes(secret)))).toEqual([]);
  });
});

describe('limits', () => {
  it('of one caller leave the others alone, say when to come back, and spare predictions and probes', async () => {
    const limited = await start({ AUTH_KEYS_FILE: file, HTTP_RATE_LIMIT_PER_SECOND: 1 });
    const statuses = [];
    for (let index = 0; index < 11; index += 1) statuses.push((await call('GET', '/things', keys.viewer, limited)).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 200), 429]);
    const { headers, body } = await call('GET', '/things', keys.viewer, limited);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(body).toMatchObject({ code: 'rate_limited', detail: expect.stringContaining('more than 10 requests in 10 s') });
    expect((await call('GET', '/things', keys.operator, limited)).status).toBe(200);
    for (let index = 0; index < 12; index += 1) expect((await call('POST', '/v2/models/m/infer', keys.producer, limited)).status).toBe(201);
    for (let index = 0; index < 12; index += 1) expect((await call('GET', '/health/live', keys.viewer, limited)).status).toBe(200);
    await limited.close();
  });
});

it('every answer forbids browsers to guess, frame or embed it', async () => {
  for (const path of ['/things', '/health/live', '/nowhere']) {
    const { headers } = await call('GET', path, keys.viewer);
    expect(Object.fromEntries(['x-content-type-options', 'x-frame-options', 'content-security-policy'].map((name) => [name, headers.get(name)]))).toEqual({
      'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    });
  }
});

async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 5000;
  while (!(await holds())) {
    if (Date.now() > deadlineMs) throw new Error('not within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
