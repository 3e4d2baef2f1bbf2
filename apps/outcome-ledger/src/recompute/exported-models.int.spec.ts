import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STRUCTURED_CONTENT_TYPE } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { readSignature } from '@throughline/onnx';
import { eventually } from '@throughline/testing';
import { exportedModels, spawnService, type ExportedModel, type ExportedTensor, type SpawnedService } from '@throughline/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deployment } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import type { Recomputation } from './recomputations.js';
import { startRegistry, type TestRegistry } from './testing/registry.js';

const fixtures = exportedModels();
/** Rows of one request over HTTP, one request of a model at a time. */
const BATCHES = [1, 2, 7, 64];
/** Ids of what was asked over HTTP, by model. */
const asked = new Map<string, string[]>();

let home: Installation;
let registry: TestRegistry;
let ledger: RunningService;
let worker: SpawnedService;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'ledger-recompute-'));
  registry = await startRegistry();
  home = await install({ REGISTRY_URL: registry.url, THROUGHLINE_HOME: scratch });
  await home.publish('model.deployment.v1', fixtures.map(({ name, features, score, graph }) => {
    const bytes = graph();
    const champion = registry.version('1', bytes, { ...readSignature(bytes), features, score, task: 'other' });
    return { key: name, data: deployment({ model: name, champion }) };
  }));
  worker = await spawnService('inference-worker', home.env);
  ledger = await home.startLedger();
  await Promise.all(fixtures.map(ask));
});

afterAll(async () => {
  await worker?.end('SIGTERM');
  await home?.close();
  registry?.close();
  rmSync(scratch, { recursive: true, force: true });
});

const widthOf = ({ shape: [, ...rowShape] }: ExportedTensor): number => rowShape.reduce((product, size) => product * size, 1);
/** So many rows, over and over those of the fixture. */
function repeated(tensor: ExportedTensor, rows: number): ExportedTensor {
  const width = widthOf(tensor);
  const known = tensor.shape[0]!;
  return { ...tensor, shape: [rows, ...tensor.shape.slice(1)], data: Array.from({ length: rows }, (_, row) => tensor.data.slice((row % known) * width, ((row % known) + 1) * width)).flat() };
}

async function ask({ name, inputs }: ExportedModel): Promise<void> {
  const ids: string[] = [];
  for (const rows of BATCHES) ids.push(...(await infer(name, inputs.map((tensor) => repeated(tensor, rows)))));
  asked.set(name, ids);
  const data = { model: name, inputs: inputs.map((tensor) => repeated(tensor, 1)) };
  const event = { specversion: '1.0', id: `${name} on the topic`, source: '/test', type: 'prediction.requested', data };
  await home.publishRaw([{ topic: 'prediction.requested.v1', key: name, headers: { 'content-type': STRUCTURED_CONTENT_TYPE }, value: JSON.stringify(event) }]);
}

/** Ids of the predictions that the rows of a request became. */
async function infer(model: string, inputs: readonly ExportedTensor[]): Promise<string[]> {
  const response = await fetch(`${worker.url}/v2/models/${model}/infer`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ inputs }) });
  const body = (await response.json()) as { parameters: { prediction_ids: string[] } };
  expect(response.status, JSON.stringify(body)).toBe(200);
  return body.parameters.prediction_ids;
}

async function recompute(ids: readonly string[]): Promise<{ checked: number; byStatus: Record<string, number>; others: Recomputation[] }> {
  const response = await fetch(`${ledger.url}/ledger/v1/recomputations`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ predictionIds: ids }) });
  return (await response.json()) as never;
}

it.each(fixtures)('$name: what a worker answered at any batch size, over HTTP and Kafka, is computed again with the same bits', async ({ name }) => {
  const ids = asked.get(name)!;
  const rows = await eventually('the answers', async () => {
    const found = await home.sql<{ id: string; size: string }>('SELECT prediction_id AS id, batch_size AS size FROM prediction WHERE model = $1', [name]);
    return found.length === ids.length + 1 && found;
  });
  expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
  expect([...new Set(rows.map(({ size }) => Number(size)))].sort((a, b) => a - b)).toEqual(BATCHES);
  expect(await recompute(rows.map(({ id }) => id))).toEqual({ checked: rows.length, byStatus: { equal: rows.length }, others: [], left: 0 });
});
