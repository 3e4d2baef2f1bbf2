import { outputRow } from '@throughline/features';
import { describe, expect, it } from 'vitest';
import { constantOutputs } from './constant-outputs.js';

const build = (values: unknown[], datatype?: string) => constantOutputs({ kind: 'constant', outputs: { out: values } }, datatype === undefined ? [] : [{ name: 'out', datatype }]);

describe('a constant answer', () => {
  it.each<[string, unknown[]]>([
    ['FP32', [0.3, 0.7, 'NaN']],
    ['FP64', [0.1, 1e300, '-Infinity']],
    ['INT64', [1, '9223372036854775807', -3]],
    ['INT32', [1, -2]],
    ['BOOL', [true, false]],
    ['BYTES', ['late', '']],
  ])('in %s says on the wire what the deployment says', (datatype, values) => {
    const [column] = build(values, datatype)!;
    expect(column).toMatchObject({ name: 'out', datatype, rowWidth: values.length });
    expect(outputRow(column!, 0)).toEqual(values);
  });

  it.each([[[0.5], 'FP64'], [[true], 'BOOL'], [['late'], 'BYTES']])('without a declaration: %j is %s', (values, datatype) => {
    expect(build(values)![0]!.datatype).toBe(datatype);
  });

  it.each<[string, unknown[]]>([
    ['FP32', ['late']], ['FP32', [null]], ['FP32', [true]], ['INT64', [0.5]], ['INT64', ['1e3']], ['INT32', [1.5]], ['BOOL', [1]], ['BYTES', [1]], ['FP16', [1]],
  ])('is none when a value cannot be %s: %j', (datatype, values) => {
    expect(build(values, datatype)).toBeUndefined();
  });
});
