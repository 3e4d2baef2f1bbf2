import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RunningService } from '@throughline/http';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { Client, graph, Installation, METADATA } from '../testing/harness.js';
import { newestMlflow, pythonWithMlflow } from './testing/client.js';

const run = promisify(execFile);
const PINNED = '3.17.2';
const FLOW = new URL('../../../../tools/mlflow/flow.py', import.meta.url).pathname;
const REST = new URL('../../../../tools/mlflow/from_rest.py', import.meta.url).pathname;
const TIMEOUT_MS = 420_000;

/** The interpreter, or why there is none: then the test is skipped, and says so. */
async function interpreter(version: () => Promise<string>): Promise<{ python: string; version: string } | { missing: string }> {
  try {
    const wanted = await version();
    return { python: await pythonWithMlflow(wanted), version: wanted };
  } catch (error) {
    const missing = `MLflow's client cannot be had here: ${(error as Error).message.slice(0, 300)}`;
    process.stderr.write(`\nSKIPPED: ${missing}\n`);
    return { missing };
  }
}

// Under other names, at the same time: Python takes most of it for its imports, one core for each.
describe.concurrent('MLflow’s own client', () => {
  let installation: Installation;
  let service: RunningService;
  let folder: string;

  beforeAll(async () => {
    installation = await Installation.create();
    service = await installation.start();
    folder = await mkdtemp(join(tmpdir(), 'throughline-mlflow-'));
  });

  afterAll(async () => {
    await service.close();
    await installation.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const python = async (interpreterPath: string, script: string, ...args: string[]): Promise<Record<string, unknown>> => {
    const env = { ...process.env, MLFLOW_TRACKING_URI: service.url, MLFLOW_DISABLE_TELEMETRY: 'true', MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1', GIT_PYTHON_REFRESH: 'quiet' };
    const { stdout } = await run(interpreterPath, [script, ...args], { cwd: folder, env, timeout: 180_000 }).catch((error: Error & { stderr?: string; stdout?: string }) => {
      throw new Error(`${error.stdout ?? ''}\n${(error.stderr ?? error.message).slice(-4000)}`);
    });
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>;
  };

  it.for([
    ['the pinned version', async () => PINNED, 'pinned'],
    ['the newest version', newestMlflow, 'newest'],
  ] satisfies [string, () => Promise<string>, string][])('of %s logs, registers, finds, aliases, loads and copies a model, and meets the errors it knows', { timeout: TIMEOUT_MS }, async ([, versionOf, prefix], { skip, expect }) => {
    const found = await interpreter(versionOf);
    if ('missing' in found) return skip(found.missing);
    const result = await python(found.python, FLOW, prefix);
    expect(result).toMatchObject({ mlflow: found.version });

    const client = new Client(service.url);
    const { body: version } = await client.get(`/models/${prefix}-flights/versions/1`);
    expect(version.metadata).toMatchObject({
      task: 'binary_classification', codeCommit: '0123456789abcdef', hyperparameters: { C: '0.5', solver: 'lbfgs' }, metrics: { auc: 0.83, loss: 0.4 },
      dataset: { name: 'flights-2001' }, tags: { 'mlflow.runId': result['run'] },
    });
    const features = version.metadata.features as { name: string }[];
    expect(features.map(({ name }) => name)).toEqual(['distance', 'hour', 'delay']);
    expect((await client.get(`/models/${prefix}-flights/deployment`)).body.champion.version).toBe('1');
  });

  it('finds and loads a version that was uploaded over REST', { timeout: TIMEOUT_MS }, async ({ skip, expect }) => {
    const found = await interpreter(async () => PINNED);
    if ('missing' in found) return skip(found.missing);
    const client = new Client(service.url);
    await client.upload('by-rest', { artifact: graph(0.25), metadata: { ...METADATA, modelCard: 'A card', tags: { origin: 'rest' } } });
    await client.put('/models/by-rest/aliases/champion', { version: '1', author: 'ada' });
    expect(await python(found.python, REST, 'by-rest')).toMatchObject({ version: '1', description: 'A card', tags: { origin: 'rest' }, rows: 2 });
  });
});
