import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeEvent, type AlertRaised, type ServedVersion, type ServingReported } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Installation } from '../testing/installation.js';
import { logistic, logisticScore, numeric, rulesArtifact, signature } from '../testing/models.js';

const features = [numeric('hour'), numeric('distance')];
const PATIENCE = { timeout: 15_000 };

let installation: Installation;
let worker: RunningService | undefined;
let reports: { key: string; data: ServingReported }[];

beforeEach(async () => {
  installation = await Installation.create();
  reports = [];
  await installation.bus.follow({ topic: 'serving.reported.v1', onEvent: ({ data, message }) => void reports.push({ key: message.key!.toString(), data }), onUndecodable: ({ reason }) => expect.unreachable(reason) });
}, 60_000);

afterEach(async () => {
  await stop();
  await installation.close();
});

async function stop(): Promise<void> {
  await worker?.close();
  worker = undefined;
}

const version = (number: number): ServedVersion => installation.version(String(number), logistic(features, number), signature(features));
const latest = () => reports.at(-1)?.data;

let nextId = 0;
async function ask(more: { model?: string; version?: string } = {}) {
  const id = String(nextId++);
  await installation.send({ topic: 'prediction.requested.v1', key: id, ...encodeEvent('prediction.requested.v1', { id, source: '/reports', timeMs: Date.now(), data: { model: 'flights', features: { hour: 7, distance: 337 }, ...more } }) });
  return installation.answers.scoredOf(id);
}

describe('a worker tells what it holds', () => {
  it('of each model at every change, what it cannot load with the reason, and that it leaves', async () => {
    await installation.deploy({ model: 'flights', revision: 1, champion: version(1), standbys: [version(2)] });
    worker = await installation.startWorker({ WORKER_ID: 'worker 1' });
    await expect.poll(latest, PATIENCE).toEqual({ worker: 'worker 1', model: 'flights', revision: 1, warm: ['1', '2'], cold: [], reportedAt: expect.any(String) });
    expect(reports.at(-1)!.key).toBe('worker 1|flights');

    await installation.deploy({ model: 'flights', revision: 2, champion: version(2), standbys: [version(1)] });
    await expect.poll(latest, PATIENCE).toMatchObject({ revision: 2, warm: ['2', '1'], cold: [] });

    const promised = { ...version(3), golden: { rows: [{ values: [7, 337], outputs: { probability: [0.5] } }] } };
    await installation.deploy({ model: 'flights', revision: 3, champion: version(2), standbys: [promised] });
    await expect.poll(latest, PATIENCE).toMatchObject({ revision: 3, warm: ['2'], cold: [{ version: '3', code: 'artifact_golden_mismatch', reason: expect.stringContaining('golden row 0') }] });

    await stop();
    await expect.poll(latest, PATIENCE).toMatchObject({ worker: 'worker 1', model: 'flights', leaving: true });
  }, 60_000);

  it('and that it is done with a model that is deployed no more', async () => {
    await installation.deploy({ model: 'flights', revision: 1, champion: version(1) });
    worker = await installation.startWorker();
    await expect.poll(latest, PATIENCE).toMatchObject({ warm: ['1'] });
    await installation.send({ topic: 'model.deployment.v1', key: 'flights', value: null });
    await expect.poll(latest, PATIENCE).toMatchObject({ model: 'flights', warm: [], leaving: true });
  }, 60_000);
});

describe('a worker with trusted keys', () => {
  const trusted = generateKeyPairSync('ed25519');
  const stranger = generateKeyPairSync('ed25519');
  const signed = (served: ServedVersion, { privateKey } = trusted): ServedVersion => ({ ...served, artifactSignature: sign(null, Buffer.from(installation.artifacts.get(served.artifactSha256)!), privateKey).toString('base64') });
  const start = async (): Promise<RunningService> => {
    const file = join(installation.home, 'trusted.pem');
    await writeFile(file, trusted.publicKey.export({ type: 'spki', format: 'pem' }));
    return installation.startWorker({ WORKER_TRUSTED_KEYS_FILE: file });
  };
  const rules = (): ServedVersion => ({
    ...installation.version('rules', rulesArtifact({ throughlineRules: 1, features: features.map(({ name, kind }) => ({ name, kind })), outputs: { probability: 'hour > 5 ? 0.5 : 0.25' }, score: 'probability' }), signature(features, { inputs: [], outputs: [{ name: 'probability', datatype: 'FP64', shape: [-1, 1] }] })),
    format: 'rules',
  });

  it('starts cold without the registry: artifacts from its cache, their signatures and golden inputs from the compacted topic', async () => {
    const golden = { rows: [{ values: [7, 337], outputs: { probability: [logisticScore([7, 337], 1)] } }] };
    await installation.deploy({ model: 'flights', revision: 1, champion: { ...signed(version(1)), golden }, standbys: [signed(version(2))], fallbacks: [{ kind: 'rules', served: signed(rules()) }] });
    worker = await start();
    expect(await ask()).toMatchObject({ version: '1' });
    await stop();
    installation.stopRegistry();
    const before = installation.registryRequests;
    worker = await start();
    expect((await fetch(`${worker.url}/health/ready`)).status).toBe(200);
    expect(await ask()).toMatchObject({ version: '1', score: expect.closeTo(logisticScore([7, 337], 1), 6) });
    expect(await ask({ version: 'rules' })).toMatchObject({ version: 'rules', score: 0.5, role: 'pinned' });
    expect(installation.registryRequests).toBe(before);
  }, 60_000);

  it('serves neither graphs nor rules that nobody trusted has signed, not even from its cache, and raises an alert', async () => {
    const alerts: AlertRaised[] = [];
    await installation.bus.follow({ topic: 'alert.raised.v1', onEvent: ({ data }) => void alerts.push(data) });
    await installation.deploy({ model: 'flights', revision: 1, champion: version(1), shadows: [version(2)] });
    worker = await installation.startWorker();
    await expect.poll(latest, PATIENCE).toMatchObject({ warm: ['1', '2'] });
    await stop();
    // Now both are in its cache.
    await installation.deploy({ model: 'flights', revision: 2, champion: signed(version(1)), shadows: [signed(version(2), stranger), rules()] });
    worker = await start();
    expect(await ask()).toMatchObject({ version: '1', assignmentRevision: 2 });
    await expect.poll(() => latest()?.cold.toSorted((a, b) => a.version.localeCompare(b.version)), PATIENCE).toMatchObject([{ version: '2', code: 'artifact_signature_invalid' }, { version: 'rules', code: 'artifact_signature_invalid' }]);
    await expect.poll(() => alerts.map((alert) => [alert.version, alert.subject]).toSorted(), PATIENCE).toEqual([['2', 'artifact_signature_invalid'], ['rules', 'artifact_signature_invalid']]);
  }, 60_000);
});
