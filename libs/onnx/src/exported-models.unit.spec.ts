import { readFileSync } from 'node:fs';
import type { ContractError } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import type { ColumnData } from './feeds.js';
import { inspectInChild } from './inspect-in-child.js';
import { OnnxSession } from './session.js';
import type { Datatype } from './signature.js';

interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: number[];
  readonly data: (number | string | boolean)[];
}
interface Served {
  readonly name: string;
  readonly features: unknown[];
  readonly inputs: Tensor[];
  readonly outputs: Tensor[];
  readonly native: Record<string, (number | string | boolean)[]>;
  readonly tolerance: number;
}
interface Refused {
  readonly name: string;
  readonly refused: string;
}

const folder = new URL('../../../tools/onnx-fixtures/', import.meta.url);
const fixtures = JSON.parse(readFileSync(new URL('fixtures.json', folder), 'utf8')) as (Served | Refused)[];
const modelOf = ({ name }: { name: string }): Buffer => readFileSync(new URL(`models/${name}.onnx`, folder));
const served = fixtures.filter((fixture): fixture is Served => 'inputs' in fixture);
const refused = fixtures.filter((fixture): fixture is Refused => 'refused' in fixture);

const number = (value: number | string | boolean): number => Number(value);
const COLUMNS: Record<Datatype, (data: Tensor['data']) => ColumnData> = {
  FP32: (data) => Float32Array.from(data, number),
  FP64: (data) => Float64Array.from(data, number),
  INT64: (data) => BigInt64Array.from(data, (value) => BigInt(value)),
  INT32: (data) => Int32Array.from(data, number),
  BOOL: (data) => Uint8Array.from(data, number),
  BYTES: (data) => data.map(String),
};
const plain = (value: number | bigint | string): number | string => (typeof value === 'string' ? value : Number(value));
const expectedOf = (value: number | string | boolean, datatype: string): number | string => (datatype === 'BYTES' ? String(value) : Number(value));

function expectValues(actual: (number | string)[], expected: (number | string)[], tolerance: number, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  expected.forEach((value, at) => {
    if (typeof value === 'string') expect(actual[at], what).toBe(value);
    else expect(Math.abs(Number(actual[at]) - value), `${what}, value ${at}: ${actual[at]} for ${value}`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value)));
  });
}

describe('a model as its library’s users export it', () => {
  it.each(served)('$name is inspected, loads, warms up and answers as Python’s runtime and the library do', async (fixture) => {
    const bytes = modelOf(fixture);
    const { signature } = await inspectInChild(bytes);
    expect(signature.inputs.map(({ name, datatype }) => ({ name, datatype }))).toEqual(fixture.inputs.map(({ name, datatype }) => ({ name, datatype })));
    expect(signature.outputs.map(({ name, datatype, shape }) => ({ name, datatype, rank: shape.length }))).toEqual(fixture.outputs.map(({ name, datatype, shape }) => ({ name, datatype, rank: shape.length })));
    const session = await OnnxSession.load(bytes);
    await session.warmUp([1, 4], signature.inputs.length === 1 ? fixture.features.length : undefined);
    const columns = Object.fromEntries(fixture.inputs.map(({ name, datatype, data }) => [name, COLUMNS[datatype](data)]));
    const { outputs } = await session.runColumns(columns, fixture.inputs[0]!.shape[0]!);
    await session.dispose();
    outputs.forEach(({ name, data }, at) => {
      const values = Array.from<number | bigint | string, number | string>(data, plain);
      const { datatype, data: expected } = fixture.outputs[at]!;
      expectValues(values, expected.map((value) => expectedOf(value, datatype)), 1e-6, `${name}, as Python’s runtime has it`);
      const native = fixture.native[name];
      if (native !== undefined) expectValues(values, native.map((value) => expectedOf(value, datatype)), fixture.tolerance, `${name}, as the library has it`);
    });
  });

  it.each(refused)('$name is refused as $refused, with what to do about it', async (fixture) => {
    const refusal = await inspectInChild(modelOf(fixture)).then(() => undefined, (error: unknown) => error as ContractError);
    expect(refusal).toMatchObject({ code: fixture.refused });
    expect(refusal!.cure).toMatch(/zipmap=False|dynamic_shapes|external_data=False/);
  });
});
