import { predictionId } from '@throughline/contracts';
import { removeHome } from '@throughline/local-stack';
import { execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startPlatform, type Running } from './platform.ts';
import { commandsOf, runnableSnippets } from './readme-snippets.ts';

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
  platform.child.kill('SIGKILL');
  await removeHome(platform.home);
}, 60_000);

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
  });
  it.runIf(hasKcat).each(commands.filter(({ needs }) => needs === 'kcat'))('the README’s `$command` works as printed', async ({ command }) => {
    await asPrinted(command);
  });

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

  it('a worker that is killed is restarted and counted', async () => {
    const health = async () => ((await get('/health/ready')) as { services: Record<string, { restarts: number; pid: number; ready: boolean }> }).services['inference-worker']!;
    const before = await health();
    process.kill(before.pid, 'SIGKILL');
    await expect.poll(async () => (await health()).restarts, { timeout: 60_000 }).toBe(before.restarts + 1);
    await expect.poll(async () => (await health()).ready, { timeout: 60_000 }).toBe(true);
    expect(await (await fetch(`${platform.origin}/metrics`)).text()).toMatch(/throughline_service_restarts_total\{[^}]*service="inference-worker"[^}]*\} 1/);
  }, 130_000);

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
