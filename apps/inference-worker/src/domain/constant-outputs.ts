import type { Fallback, TensorSpec } from '@throughline/contracts';
import { readNumber, type FeatureScalar } from '@throughline/features';
import type { OutputColumn } from './answer.js';

type Constant = Extract<Fallback, { kind: 'constant' }>;

/**
 * The outputs of a constant fallback as a batch of one row, each in the datatype that the signature declares for it. What the signature
 * does not declare is FP64, BOOL or BYTES, as its first value looks.
 *
 * @returns `undefined` when a value cannot be of its datatype
 */
export function constantOutputs({ outputs }: Constant, declared: readonly Pick<TensorSpec, 'name' | 'datatype'>[]): OutputColumn[] | undefined {
  const columns: OutputColumn[] = [];
  for (const [name, values] of Object.entries(outputs)) {
    const datatype = declared.find((output) => output.name === name)?.datatype ?? datatypeOf(values[0]);
    const data = dataOf(datatype, values as readonly FeatureScalar[]);
    if (data === undefined) return undefined;
    columns.push({ name, datatype, data, rowWidth: values.length });
  }
  return columns;
}

const datatypeOf = (value: unknown): string => (typeof value === 'string' ? 'BYTES' : typeof value === 'boolean' ? 'BOOL' : 'FP64');

function dataOf(datatype: string, values: readonly FeatureScalar[]): OutputColumn['data'] | undefined {
  if (datatype === 'BYTES') return values.every((value) => typeof value === 'string') ? values : undefined;
  if (datatype === 'BOOL') return values.every((value) => typeof value === 'boolean') ? Uint8Array.from(values, Number) : undefined;
  if (datatype === 'INT64') return values.every(isInteger) ? BigInt64Array.from(values, (value) => BigInt(value as number | string)) : undefined;
  const numbers = values.map((value) => (typeof value === 'boolean' ? undefined : readNumber(value)));
  if (!numbers.every((number) => number !== undefined)) return undefined;
  if (datatype === 'INT32') return numbers.every(Number.isInteger) ? Int32Array.from(numbers) : undefined;
  if (datatype === 'FP32') return Float32Array.from(numbers);
  return datatype === 'FP64' ? Float64Array.from(numbers) : undefined;
}

const isInteger = (value: FeatureScalar): boolean => (typeof value === 'string' ? /^-?\d+$/.test(value) : Number.isInteger(value));
