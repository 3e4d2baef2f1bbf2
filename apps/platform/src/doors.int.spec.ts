import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashKey, keyText } from '@throughline/http';
import { freePort, removeHome } from '@throughline/local-stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from './config.js';
import { startPlatform, type Platform } from './platform.js';
import { Progress } from './progress.js';
import { freeRunOfPorts } from './testing/ports.js';

const standIn = new URL('../fixtures/stand-in.mjs', import.meta.url).pathname;
const key = keyText('viewer', Buffer.alloc(32, 1));
const homes: string[] = [];
const silent = new Progress({ write: () => undefined });

describe('a platform whose callers must say who they are', { timeout: 60_000 }, () => {
  const newHome = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'throughline-'));
    homes.push(made);
    return made;
  };
  let platform: Platform;
  let home = '';
  const start = async (env: NodeJS.ProcessEnv): Promise<Platform> => {
    const port = await freeRunOfPorts(8);
    const all = { ...process.env, THROUGHLINE_HOME: home, PORT: String(port), KAFKA_TOPIC_PREFIX: `doors-${port}.`, ...env };
    return startPlatform({ config: readConfig(all), env: all, workers: 1, progress: silent, signal: new AbortController().signal, scriptOf: () => standIn });
  };
  const get = (path: string, token?: string): Promise<Response> => fetch(`${platform.url}${path}`, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });

  beforeAll(async () => {
    home = newHome();
    const file = join(home, 'keys.json');
    writeFileSync(file, JSON.stringify([{ id: 'viewer', sha256: hashKey(key), role: 'viewer', name: 'ci' }]), { mode: 0o600 });
    platform = await start({ AUTH_KEYS_FILE: file, HOST: '0.0.0.0' });
  }, 60_000);
  afterAll(async () => {
    await platform.stop();
    for (const one of homes) await removeHome(one);
  }, 60_000);

  it.each(['/v2', '/registry/v1/models', '/api/2.0/mlflow/x', '/metrics', '/openapi.json', '/asyncapi.json', '/nowhere'])('lets nobody without a key to %s', async (path) => {
    const answer = await get(path);
    expect([answer.status, answer.headers.get('www-authenticate'), answer.headers.get('x-content-type-options')]).toEqual([401, 'Bearer realm="throughline"', 'nosniff']);
  });

  it('says so to MLflow’s clients in their words', async () => {
    expect(await (await get('/api/2.0/mlflow/x')).json()).toMatchObject({ error_code: 'UNAUTHENTICATED', message: expect.stringContaining('authorization') });
  });

  it('tells anybody whether it is ready, and those with a key the rest', async () => {
    expect(await (await get('/health/ready')).json()).toEqual({ status: 'ok' });
    expect(await (await get('/health/ready', key)).json()).toHaveProperty('services');
  });

  it('hands the caller’s key on to the service, which decides', async () => {
    expect(await (await get('/ledger/v1/x', key)).json()).toMatchObject({ authorization: `Bearer ${key}` });
  });

  it('asks its services with a key of its own, whose hash alone they are given', async () => {
    const { services } = (await (await get('/health/ready', key)).json()) as { services: Record<string, { detail: { askedBy: string; keys: string } }> };
    const { askedBy, keys } = services['outcome-ledger']!.detail;
    const own = askedBy.replace('Bearer ', '');
    expect(JSON.parse(keys)).toContainEqual({ id: 'service', name: 'service', role: 'operator', sha256: hashKey(own) });
    expect((await get('/openapi.json', key)).status).toBe(200);
    expect(filesBelow(home).filter((file) => readFileSync(file, 'utf8').includes(own))).toEqual([]);
  });

  it('does not start with keys that it cannot read, and says why', async () => {
    await expect(start({ AUTH_KEYS: '{', THROUGHLINE_HOME: newHome() })).rejects.toThrow(/AUTH_KEYS is no JSON list/);
    await expect(start({ AUTH_KEYS_FILE: '/nowhere/keys.json', THROUGHLINE_HOME: newHome() })).rejects.toThrow(/no such file/);
  });

  it('does not listen where others can reach it without them', async () => {
    await expect(start({ HOST: '0.0.0.0', PORT: String(await freePort()), THROUGHLINE_HOME: newHome() })).rejects.toThrow(/no authentication is configured/);
  });
});

const filesBelow = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
