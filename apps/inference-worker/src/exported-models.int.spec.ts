import { STRUCTURED_CONTENT_TYPE, type PredictionScored } from '@throughline/contracts';
import type { FeatureScalar } from '@throughline/features';
import type { RunningService } from '@throughline/http';
import { readSignature } from '@throughline/onnx';
import { exportedModels, type ExportedModel, type ExportedTensor } from '@throughline/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InferResponse } from './domain/oip/infer-response.js';
import { Installation } from './testing/installation.js';

const fixtures = exportedModels();
const TOPIC = 'prediction.requested.v1';
/** Of Python's runtime, which another build may differ from in the last bits. */
const TOLERANCE = 1e-6;

let installation: Installation;
let worker: RunningService;

beforeAll(async () => {
  installation = await Installation.create();
  for (const { name, features, score, graph } of fixtures) {
    const bytes = graph();
    const { inputs, outputs } = readSignature(bytes);
    await installation.deploy({ model: name, revision: 1, champion: installation.version('1', bytes, { inputs, outputs, features, score, task: 'other' }) });
  }
  worker = await installation.startWorker();
}, 60_000);

afterAll(async () => {
  await worker?.close();
  await installation?.close();
});

async function infer(model: string, inputs: readonly ExportedTensor[]): Promise<InferResponse> {
  const response = await fetch(`${worker.url}/v2/models/${model}/infer`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ inputs }) });
  const body = (await response.json()) as InferResponse;
  expect(response.status, JSON.stringify(body)).toBe(200);
  return body;
}

const rowCountOf = ({ inputs }: ExportedModel): number => inputs[0]!.shape[0]!;
const widthOf = ({ shape: [, ...rowShape] }: ExportedTensor): number => rowShape.reduce((product, size) => product * size, 1);

/** One row of a tensor, as a tensor. */
function rowOf(tensor: ExportedTensor, row: number): ExportedTensor {
  const width = widthOf(tensor);
  return { ...tensor, shape: [1, ...tensor.shape.slice(1)], data: tensor.data.slice(row * width, (row + 1) * width) };
}

/** One row by the names of the features: tensors in their order, but a tensor of a feature's name is that feature. */
function namedRow({ inputs, features }: ExportedModel, row: number): Record<string, FeatureScalar> {
  const isOwn = ({ name }: ExportedTensor): boolean => inputs.length > 1 && features.some((feature) => feature.name === name);
  const own = inputs.filter(isOwn).map((tensor): [string, FeatureScalar] => [tensor.name, tensor.data[row]!]);
  const taken = new Set(own.map(([name]) => name));
  const others = features.filter(({ name }) => !taken.has(name)).map(({ name }) => name);
  const values = inputs.filter((tensor) => !isOwn(tensor)).flatMap((tensor) => rowOf(tensor, row).data);
  expect(others).toHaveLength(values.length);
  return Object.fromEntries([...own, ...others.map((name, at): [string, FeatureScalar] => [name, values[at]!])]);
}

function expectTensor(actual: { shape: readonly number[]; data: readonly unknown[] } | undefined, expected: ExportedTensor, what: string): void {
  expect(actual?.shape, what).toEqual(expected.shape);
  expectValues(actual!.data, expected.data, what);
}

function expectValues(actual: readonly unknown[], expected: readonly ExportedTensor['data'][number][], what: string): void {
  expect(actual.length, what).toBe(expected.length);
  expected.forEach((value, at) => {
    if (typeof value !== 'number') expect(actual[at], what).toBe(value);
    else expect(Math.abs((actual[at] as number) - value), `${what}: ${String(actual[at])} for ${value}`).toBeLessThanOrEqual(TOLERANCE * Math.max(1, Math.abs(value)));
  });
}

const message = (id: string, data: object) => ({
  topic: TOPIC, key: id, headers: { 'content-type': STRUCTURED_CONTENT_TYPE }, value: JSON.stringify({ specversion: '1.0', id, source: '/test', type: 'prediction.requested', data }),
}) as const;

describe('a model as its library’s users export it is served', () => {
  it.each(fixtures)('$name over HTTP: all rows at once, and each alone, in the datatypes and shapes of the model', async (fixture) => {
    const together = await infer(fixture.name, fixture.inputs);
    expect(together.outputs.map(({ name, datatype }) => [name, datatype])).toEqual(fixture.outputs.map(({ name, datatype }) => [name, datatype]));
    fixture.outputs.forEach((expected, at) => expectTensor(together.outputs[at], expected, expected.name));
    for (let row = 0; row < rowCountOf(fixture); row++) {
      const alone = await infer(fixture.name, fixture.inputs.map((tensor) => rowOf(tensor, row)));
      // Not nearly: the same bits, whoever was in the batch.
      alone.outputs.forEach(({ data }, at) => expect(data).toEqual(rowOf(together.outputs[at] as ExportedTensor, row).data));
    }
  });

  it.each(fixtures)('$name on the topic: from named features, and from tensors', async (fixture) => {
    const { name: model, inputs, outputs, features, score } = fixture;
    const rows = Array.from({ length: rowCountOf(fixture) }, (_, row) => row);
    await installation.send(
      ...rows.map((row) => message(`${model} named ${row}`, { model, features: namedRow(fixture, row) })),
      ...rows.map((row) => message(`${model} tensors ${row}`, { model, inputs: inputs.map((tensor) => rowOf(tensor, row)) })),
    );
    for (const row of rows) {
      const named = namedRow(fixture, row);
      const answers = await Promise.all([installation.answers.scoredOf(`${model} named ${row}`), installation.answers.scoredOf(`${model} tensors ${row}`)]);
      for (const answer of answers) {
        for (const output of outputs) expectValues(answer.outputs[output.name]!, rowOf(output, row).data, output.name);
        expect(answer.score).toBe((answer.outputs[score.output] as number[])[score.index]);
        expect(answer.features.values, 'as the requester wrote them').toEqual(features.map(({ name }) => named[name]));
      }
      expect(withoutBatch(answers[0])).toEqual(withoutBatch(answers[1]));
    }
  });
});

const withoutBatch = ({ outputs, score, features }: PredictionScored): object => ({ outputs, score, features });
