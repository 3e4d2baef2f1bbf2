import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOPIC_NAMES } from '@throughline/contracts';
import { eventually, identify, isAlive, isPortFree, removeHome } from '@throughline/local-stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from './config.js';
import { SERVICE_NAMES } from './domain/plan.js';
import { startPlatform, type Platform } from './platform.js';
import { Progress } from './progress.js';
import type { Member } from './supervisor/fleet.js';
import { freeRunOfPorts } from './testing/ports.js';

const standIn = new URL('../fixtures/stand-in.mjs', import.meta.url).pathname;
const said: string[] = [];
const progress = new Progress({ write: (text) => said.push(text) });

interface Ready {
  readonly status: string;
  readonly services: Readonly<Record<string, Member>>;
}

describe('the platform', { timeout: 60_000 }, () => {
  let platform: Platform;
  let home = '';
  let port = 0;
  const start = (env: NodeJS.ProcessEnv = {}) => {
    const all = { ...process.env, THROUGHLINE_HOME: home, PORT: String(port), KAFKA_TOPIC_PREFIX: `platform-${port}.`, ...env };
    return startPlatform({ config: readConfig(all), env: all, workers: 2, progress, signal: new AbortController().signal, scriptOf: () => standIn });
  };
  const ready = async (): Promise<Ready> => (await fetch(`${platform.url}/health/ready`)).json() as Promise<Ready>;
  const text = async (path: string): Promise<string> => (await fetch(platform.url + path)).text();

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'throughline-'));
    port = await freeRunOfPorts(8);
    platform = await start();
  }, 60_000);
  afterAll(async () => {
    await platform.stop();
    await removeHome(home);
  }, 60_000);

  it('starts every service as a process of its own, further workers behind them', async () => {
    const { status, services } = await ready();
    expect(status).toBe('ok');
    expect(Object.keys(services)).toEqual([...SERVICE_NAMES, 'inference-worker-2']);
    expect(new Set(Object.values(services).map(({ pid }) => pid)).size).toBe(7);
  });

  it.each([
    ['/v2/models/m/infer', 1],
    ['/v2', 1],
    ['/registry/v1/models?x=1', 2],
    ['/api/2.0/mlflow/runs/get', 2],
    ['/features/v1/views/v', 3],
    ['/get-online-features', 3],
    ['/push', 3],
    ['/ledger/v1/predictions/1', 4],
    ['/monitor/v1/alerts', 5],
    ['/retraining/v1/runs', 6],
  ])('hands %s, unchanged, to the service that serves it', async (path, offset) => {
    const answer = await fetch(platform.url + path, { method: 'POST', body: 'hello', headers: { 'content-type': 'text/x-anything' } });
    expect(await answer.json()).toMatchObject({ port: String(port + offset), url: path, body: 'hello', host: `127.0.0.1:${port + offset}` });
  });

  it('hands on a DELETE with its body, and uploads beyond any default limit', async () => {
    const deleted = await fetch(`${platform.url}/api/2.0/mlflow/x`, { method: 'DELETE', body: '{"a":1}', headers: { 'content-type': 'application/json' } });
    expect(await deleted.json()).toMatchObject({ method: 'DELETE', body: '{"a":1}' });
    const uploaded = await fetch(`${platform.url}/registry/v1/x`, {
      method: 'POST',
      body: 'x'.repeat(8 * 1024 * 1024),
      headers: { 'content-type': 'application/octet-stream' },
    });
    expect(await uploaded.json()).toMatchObject({ body: 8 * 1024 * 1024 });
  });

  it('shows the metrics of all, each sample with its service, each metric described once', async () => {
    const metrics = await text('/metrics');
    expect(metrics).toContain(`stand_in{service="outcome-ledger",port="${port + 4}"} 1`);
    expect(metrics).toContain('stand_in{service="inference-worker-2"');
    expect(metrics.match(/# TYPE stand_in gauge/g)).toHaveLength(1);
    expect(metrics).toContain('throughline_build_info{service="platform"');
  });

  it('describes all of them in one document, names that clash told apart', async () => {
    const document = JSON.parse(await text('/openapi.json')) as { paths: object; components: { schemas: object } };
    expect(Object.keys(document.paths)).toEqual([1, 2, 3, 4, 5, 6].map((offset) => `/by/${port + offset}`));
    expect(document.components.schemas).toMatchObject({ Own: { title: String(port + 1) }, 'outcome-ledger.Own': { title: String(port + 4) } });
    expect(JSON.parse(await text('/asyncapi.json'))).toMatchObject({ asyncapi: '3.0.0', servers: { kafka0: { host: process.env['KAFKA_BROKERS'] } } });
  });

  it('answers what is not there as a problem', async () => {
    const answer = await fetch(`${platform.url}/nowhere`);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(await answer.json()).toMatchObject({ code: 'not_found', cure: expect.any(String) });
  });

  it.each([{ host: 'evil.example' }, { origin: 'https://evil.example' }])('refuses %j before any service sees it', async (headers) => {
    // fetch would not let a Host header through.
    const status = await new Promise((resolve, reject) => {
      request(`${platform.url}/v2`, { headers }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  it('starts a killed service again, counts it, and answers 503 with a cure meanwhile', async () => {
    const killed = (await ready()).services['outcome-ledger'];
    process.kill(killed?.pid ?? 0, 'SIGKILL');
    expect(await eventually(async () => (await fetch(`${platform.url}/ledger/v1/x`)).status === 503, 5000)).toBe(true);
    expect(await eventually(async () => (await ready()).status === 'ok', 15_000)).toBe(true);
    const again = (await ready()).services['outcome-ledger'];
    expect(again).toMatchObject({ state: 'running', restarts: 1, ready: true });
    expect(again?.pid).not.toBe(killed?.pid);
    expect(await text('/metrics')).toMatch(/^throughline_service_restarts_total\{service="outcome-ledger"\} 1$/m);
    expect(await text('/metrics')).toMatch(/^throughline_service_restarts_total\{service="feature-store"\} 0$/m);
    expect(said.join('')).toContain('outcome-ledger was ended by SIGKILL; starting again in 250 ms');
  });

  it('says where it runs, to its owner only', () => {
    const file = join(home, 'running.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ url: platform.url, brokers: process.env['KAFKA_BROKERS'], pid: process.pid });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('ends every process when stopped, lets each drain, and starts again on the same ports', async () => {
    const pids = Object.values((await ready()).services).map(({ pid }) => identify(pid ?? 0));
    said.length = 0;
    await platform.stop();
    expect(pids.every((known) => known && !isAlive(known))).toBe(true);
    expect(said.filter((line) => line.includes('warn drained'))).toHaveLength(7);
    expect(existsSync(join(home, 'running.json'))).toBe(false);
    platform = await start();
    expect((await ready()).status).toBe('ok');
    expect(said.join('')).toContain(`Topics: 0 created, ${TOPIC_NAMES.length} there already`);
  });

  it('gives up on a service whose configuration is wrong, stops the rest, and says where the reason is', async () => {
    await platform.stop();
    await expect(start({ STAND_IN_PREFIX: 'misconfigured' })).rejects.toThrow(/keeps ending\.\nIts log: .*\.log/);
    expect(await isPortFree(port)).toBe(true);
    platform = await start();
  });

  it('says on one screen what is in the way', async () => {
    const other = { PORT: String(port), THROUGHLINE_HOME: mkdtempSync(join(tmpdir(), 'throughline-')) };
    await expect(start(other)).rejects.toThrow(new RegExp(`Throughline cannot start here yet:[^]*✗ Port ${port} \\(platform\\): taken by`));
    await removeHome(other.THROUGHLINE_HOME);
  });
});
