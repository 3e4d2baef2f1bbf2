import { encodeEvent, type AlertRaised, type ServedVersion } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { failingRunGraph } from '@throughline/onnx';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Installation } from '../testing/installation.js';
import { logistic, numeric, signature } from '../testing/models.js';

const features = [numeric('hour'), numeric('distance')];

let installation: Installation;
let worker: RunningService;
const alerts: AlertRaised[] = [];

/** Each has bytes of its own: they are tried at the same time. */
const versionOf = (number: number, bias: number) => installation.version(String(number), logistic(features, bias), signature(features));

const tampered = (): ServedVersion => {
  const served = versionOf(3, 3.1);
  const bytes = installation.artifacts.get(served.artifactSha256)!;
  installation.artifacts.set(served.artifactSha256, bytes.with(0, bytes[0]! ^ 1));
  return served;
};
const misdeclared = (): ServedVersion => installation.version('3', logistic(features, 3.2), signature(features, { inputs: [{ name: 'other', datatype: 'FP32', shape: [-1, 2] }] }));
/** The whole of it fits the hash and the signature, and yet it does not run. */
const unwarmable = (): ServedVersion =>
  installation.version('3', failingRunGraph(2), signature(features, { inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, -1] }], outputs: [{ name: 'output', datatype: 'FP32', shape: [-1, 1] }], score: { output: 'output', index: 0 } }));
const unpromised = (): ServedVersion => ({ ...versionOf(3, 3.4), golden: { rows: [{ values: [7, 337], outputs: { probability: [0.5] } }] } });

const CASES = [
  ['has the wrong hash', 'tampered', tampered, 'artifact_hash_mismatch', /are not artifact/],
  ['has the wrong signature', 'misdeclared', misdeclared, 'artifact_load_failed', /not in the signature/],
  ['fails to warm', 'unwarmable', unwarmable, 'artifact_load_failed', /does not warm up/],
  ['answers its golden inputs otherwise', 'unpromised', unpromised, 'artifact_golden_mismatch', /golden row 0 answers “probability” with \[.+\], not \[0\.5\] as promised/],
] as const;
const MODELS = CASES.map(([, model]) => model);

async function attempts(model: string, result: string): Promise<number> {
  const lines = (await (await fetch(`${worker.url}/metrics`)).text()).split('\n');
  const line = lines.find((one) => one.startsWith('throughline_model_load_duration_seconds_count') && one.includes(`model="${model}"`) && one.includes(result));
  return Number(line?.split(' ').at(-1) ?? 0);
}

beforeAll(async () => {
  installation = await Installation.create();
  await installation.bus.follow({ topic: 'alert.raised.v1', onEvent: ({ data }) => void alerts.push(data), onUndecodable: (undecodable) => expect.unreachable(undecodable.reason) });
  for (const model of MODELS) await installation.deploy({ model, revision: 1, champion: versionOf(1, 1) });
  worker = await installation.startWorker();
  installation.registryFails = true;
  for (const model of MODELS) await installation.deploy({ model, revision: 2, champion: versionOf(2, 2) });
  await vi.waitFor(async () => {
    for (const model of MODELS) expect(await attempts(model, 'unavailable')).toBeGreaterThan(0);
  }, { timeout: 20_000 });
  installation.registryFails = false;
}, 60_000);

afterAll(async () => {
  await worker?.close();
  await installation?.close();
});

// At the same time: it is tried again after half a second, one, two …
it.concurrent.for(CASES)('serves on with the old version while the new one %s, raises one alert however often it is tried, and none for a registry that is away', { timeout: 60_000 }, async ([, model, broken, code, reason], { expect }) => {
  const champion = broken();
  await installation.deploy({ model, revision: 3, champion });
  await expect.poll(() => attempts(model, code), { timeout: 20_000 }).toBeGreaterThan(2);
  const raised = () => alerts.filter((alert) => alert.model === model);
  await expect.poll(raised, { timeout: 10_000 }).toEqual([{
    alertId: expect.any(String), model, version: '3', kind: 'artifact', tier: 'alarm', subject: code,
    summary: expect.stringMatching(new RegExp(`Version 3 of “${model}” cannot be loaded, version [12] answers: `)), evidence: { revision: 3, sizeBytes: champion.sizeBytes }, raisedAt: expect.any(String),
  }]);
  expect(raised()[0]!.summary).toMatch(reason);
  const data = { model, features: { hour: 7, distance: 337 } };
  await installation.send({ topic: 'prediction.requested.v1', key: model, ...encodeEvent('prediction.requested.v1', { id: model, source: '/bad', timeMs: Date.now(), data }) });
  expect((await installation.answers.scoredOf(model)).version).toMatch(/^[12]$/);
  expect((await fetch(`${worker.url}/health/ready`)).status).toBe(200);
});
