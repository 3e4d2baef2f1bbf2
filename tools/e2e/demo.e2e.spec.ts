import { once } from 'node:events';
import { createBus } from '@throughline/bus';
import { decodeOrThrow, encodeEvent, predictionId } from '@throughline/contracts';
import { removeHome } from '@throughline/local-stack';
import { execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { kill, startPlatform, type Running } from './platform.ts';
import { commandsOf, runnableSnippets } from './readme-snippets.ts';

/** A command starts a process and may read whole topics. */
const COMMAND_TIMEOUT_MS = 60_000;

const root = new URL('../../', import.meta.url).pathname;
const run = promisify(execFile);
const hasKcat = spawnSync('kcat', ['-V']).status === 0;
if (!hasKcat) console.warn('kcat is not installed: the commands that need it are SKIPPED');

let platform: Running;
let summary = '';

beforeAll(async () => {
  platform = await startPlatform(['--minutes', '0.5']);
  await platform.said(/The demo has ended|The demo ended with/, 240_000);
  summary = platform.output();
}, 260_000);

afterAll(async () => {
  await kill(platform);
  await removeHome(platform.home);
}, 60_000);

/** What stands behind the one origin. */
const get = async (path: string): Promise<unknown> => (await fetch(platform.origin + path)).json();

/** Runs a command of the README as it is printed there, against this platform instead of the one on the usual ports. */
function asPrinted(command: string): Promise<{ stdout: string }> {
  const here = command.replaceAll('http://127.0.0.1:3000', platform.origin).replaceAll('127.0.0.1:9092', platform.brokers);
  return run('bash', ['-ec', `set -o pipefail; ${here}`], { cwd: root, env: { ...platform.env, PATH: `${root}node_modules/.bin:${process.env['PATH']}` }, timeout: 60_000 });
}

/** Runs kcat against the platform's Kafka; `input` is one message. */
async function kcat(args: readonly string[], input?: string): Promise<{ stdout: string }> {
  const running = run('kcat', ['-b', platform.brokers, ...args], { maxBuffer: 64 * 1024 * 1024 });
  running.child.stdin?.end(input);
  return running;
}

/** How many of the predictions stand in the ledger as scored. */
async function inLedger(ids: readonly string[]): Promise<number> {
  let found = 0;
  for (let start = 0; start < ids.length; start += 5000) {
    const body = JSON.stringify({ ids: ids.slice(start, start + 5000) });
    const response = await fetch(`${platform.origin}/ledger/v1/books`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { states } = (await response.json()) as { states: Record<string, string> };
    found += Object.values(states).filter((state) => state === 'scored').length;
  }
  return found;
}

describe('after `npm start -- --minutes 0.5`', () => {
  it('the summary shows joined outcomes, an AUC above 0.5 and balanced books', () => {
    expect(summary).toContain('The demo has ended');
    const joined = Number(summary.match(/sent, ([\d,]+) joined/)?.[1]?.replaceAll(',', ''));
    const auc = Number(summary.match(/AUC (0\.\d+)/)?.[1]);
    expect(joined).toBeGreaterThan(1000);
    expect(auc).toBeGreaterThan(0.5);
    expect(auc).toBeLessThan(1);
    expect(summary).toContain('balanced: every request answered');
  });

  it('the ledger agrees with the summary', async () => {
    const ledger = (await get('/ledger/v1/summary')) as { predictions: number; joined: number };
    expect(ledger.joined).toBe(Number(summary.match(/sent, ([\d,]+) joined/)?.[1]?.replaceAll(',', '')));
    expect(ledger.predictions).toBe(Number(summary.match(/([\d,]+) scored/)?.[1]?.replaceAll(',', '')));
  });

  const snippets = runnableSnippets(`${root}README.md`);
  const commands = snippets.flatMap((snippet) => commandsOf(snippet).map((command) => ({ command, needs: snippet.needs })));
  it.each(commands.filter(({ needs }) => needs === undefined))('the README’s `$command` works as printed', async ({ command }) => {
    const { stdout } = await asPrinted(command);
    expect(stdout.trim()).not.toBe('');
    expect(stdout).not.toMatch(/"status":\s*[45]\d\d/);
  }, COMMAND_TIMEOUT_MS);
  it.runIf(hasKcat).each(commands.filter(({ needs }) => needs === 'kcat'))('the README’s `$command` works as printed', async ({ command }) => {
    await asPrinted(command);
  }, COMMAND_TIMEOUT_MS);

  describe.runIf(hasKcat)('a request produced by kcat', () => {
    const data = { model: 'flight-delay', features: { hour: 18, weekday: 5, distance_miles: 2586 }, entities: { origin: 'SFO', destination: 'JFK' }, occurredAt: '2001-01-31T18:00:00Z' };
    const id = randomUUID();
    const source = '/kcat';
    const structured = { specversion: '1.0', id: `${id}-s`, source, type: 'prediction.requested', time: data.occurredAt, data };
    const envelope = ['-H', 'ce_specversion=1.0', '-H', `ce_id=${id}-b`, '-H', `ce_source=${source}`, '-H', 'ce_type=prediction.requested'];
    const routed = (routingKey: string) => JSON.stringify({ ...data, routingKey });
    it.each([
      ['in a binary envelope', routed(`${id}-b`), envelope, { predictionId: predictionId(source, `${id}-b`) }],
      ['in a structured envelope', JSON.stringify({ ...structured, data: { ...data, routingKey: `${id}-s` } }), ['-H', 'content-type=application/cloudevents+json'], { predictionId: predictionId(source, `${id}-s`) }],
      ['without an envelope', routed(`${id}-n`), [], { requestSource: 'prediction.requested.v1' }],
    ])('%s is answered on prediction.scored', async (_form, value, headers, expected) => {
      const key = JSON.parse(value).routingKey ?? JSON.parse(value).data.routingKey;
      await kcat(['-P', '-t', 'prediction.requested.v1', '-k', key, ...headers], value);
      const answer = await vi.waitFor(async () => {
        const { stdout } = await kcat(['-C', '-t', 'prediction.scored.v1', '-o', '-200', '-e', '-q']);
        const answers = stdout.split('\n').filter((line) => line !== '').map((line) => (JSON.parse(line) as { data: Record<string, unknown> }).data);
        return answers.find(({ routingKey }) => routingKey === key) ?? Promise.reject(new Error('no answer yet'));
      }, { timeout: 20_000, interval: 200 });
      expect(answer).toMatchObject({ model: 'flight-delay', version: '1', role: 'champion', ...expected });
      expect(answer['score']).toBeGreaterThan(0);
    }, 30_000);
  });

  it('kill -9 of the worker during 20,000 requests loses none, in the topic or in the ledger; it is restarted and counted', async () => {
    const count = 20_000;
    const source = '/e2e/kill';
    const ids = Array.from({ length: count }, (_, index) => predictionId(source, String(index)));
    const workerHealth = async () => ((await get('/health/ready')) as { services: Record<string, { restarts: number; pid: number; ready: boolean }> }).services['inference-worker']!;
    const before = await workerHealth();
    const bus = createBus({ KAFKA_BROKERS: [platform.brokers] }, { clientId: 'e2e' });
    const scored = async () => (await bus.admin.offsets('prediction.scored.v1')).reduce((sum, { high }) => sum + Number(high), 0);
    const scoredBefore = await scored();

    const data = { model: 'flight-delay', features: { hour: 18, weekday: 5, distance_miles: 2586 }, entities: { origin: 'SFO', destination: 'JFK' }, occurredAt: '2001-01-31T18:00:00Z' };
    const sent = bus.producer.sendAll(ids.map((_, index) => ({
      topic: 'prediction.requested.v1' as const, key: String(index), ...encodeEvent('prediction.requested.v1', { id: String(index), source, timeMs: Date.now(), data }),
    })));
    await vi.waitUntil(async () => (await scored()) > scoredBefore + count / 10, { timeout: 60_000, interval: 20 });
    process.kill(before.pid, 'SIGKILL');
    expect(await scored()).toBeLessThan(scoredBefore + count);
    await sent;

    await vi.waitUntil(async () => (await workerHealth()).restarts === before.restarts + 1, { timeout: 60_000, interval: 200 });
    await vi.waitUntil(async () => (await inLedger(ids)) === count, { timeout: 120_000, interval: 500 });
    const distinct = new Set<string>();
    await bus.admin.scan('prediction.scored.v1', (messages) => {
      for (const message of messages) distinct.add(decodeOrThrow('prediction.scored.v1', message).data.predictionId);
    });
    await bus.close();
    expect(ids.filter((id) => !distinct.has(id))).toEqual([]);
    expect(await (await fetch(`${platform.origin}/metrics`)).text()).toMatch(/throughline_service_restarts_total\{[^}]*service="inference-worker"[^}]*\} 1/);
  }, 250_000);

  it('Ctrl-C is clean: exit code 0 and nobody listens any more', async () => {
    platform.child.kill('SIGINT');
    const [code] = (await once(platform.child, 'exit')) as [number | null];
    expect(code).toBe(0);
    const firstPort = Number(new URL(platform.origin).port);
    for (let port = firstPort; port < firstPort + 7; port++) expect(await listens(port)).toBe(false);
  }, 60_000);
});

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => (socket.destroy(), resolve(true)));
    socket.on('error', () => resolve(false));
  });
}
