import { outputRow } from '@throughline/features';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareOutputs, scoreIn, type WireValue } from './compare.js';

const column = (datatype: string, ...values: WireValue[]) => [{ name: 'y', datatype, values }];
const wired = (value: number): WireValue => JSON.parse(JSON.stringify(outputRow({ datatype: 'FP32', data: Float32Array.of(value), rowWidth: 1 }, 0)))[0] as WireValue;

describe('a comparison', () => {
  it('finds nothing between an answer and itself, through JSON, whatever the floats', () => {
    fc.assert(fc.property(fc.array(fc.float({ noNaN: false }), { maxLength: 20 }), (floats) => {
      const values = outputRow({ datatype: 'FP32', data: Float32Array.from(floats), rowWidth: floats.length }, 0);
      expect(compareOutputs(JSON.parse(JSON.stringify({ y: values })) as never, column('FP32', ...values))).toEqual({ compared: floats.length, differences: [] });
    }), { numRuns: 1000 });
  });

  it('finds every bit that is another one, and says how far apart two floats are', () => {
    const float = new Float32Array(1);
    const bits = new Uint32Array(float.buffer);
    fc.assert(fc.property(fc.integer({ min: 1, max: 0x7f7f_0000 }), fc.integer({ min: 1, max: 1000 }), fc.boolean(), (start, apart, isNegative) => {
      bits[0] = start;
      const stored = isNegative ? -float[0]! : float[0]!;
      bits[0] = start + apart;
      const recomputed = isNegative ? -float[0]! : float[0]!;
      const [before, after] = [wired(stored), wired(recomputed)];
      expect(compareOutputs({ y: [before] }, column('FP32', after)).differences).toEqual([{ output: 'y', index: 0, stored: before, recomputed: after, difference: (after as number) - (before as number), ulps: apart }]);
    }), { numRuns: 1000 });
  });

  it.each([
    ['neighbours across zero', 'FP32', 1e-45, -1e-45, 2],
    ['both zeros', 'FP64', 0, -0, undefined],
    ['neighbours of 1 as doubles', 'FP64', 1, 1 + Number.EPSILON, 1],
    ['-1 and 1 as doubles', 'FP64', -1, 1, Number(2n * 0x3ff0_0000_0000_0000n)],
  ])('knows %s', (_, datatype, stored, recomputed, ulps) => {
    const { differences } = compareOutputs({ y: [stored] }, column(datatype, recomputed));
    expect(differences.map((one) => one.ulps)).toEqual(ulps === undefined ? [] : [ulps]);
  });

  it('has no distance between text, integers and what is not finite', () => {
    expect(compareOutputs({ y: ['late'] }, column('BYTES', 'on time')).differences).toEqual([{ output: 'y', index: 0, stored: 'late', recomputed: 'on time' }]);
    expect(compareOutputs({ y: [1] }, column('INT64', 3)).differences).toEqual([{ output: 'y', index: 0, stored: 1, recomputed: 3, difference: 2 }]);
    expect(compareOutputs({ y: [1] }, column('FP32', 'NaN')).differences).toEqual([{ output: 'y', index: 0, stored: 1, recomputed: 'NaN' }]);
    expect(compareOutputs({ y: ['9007199254740993'] }, column('INT64', '9007199254740995')).differences).toHaveLength(1);
  });

  it('counts what only one of the two has', () => {
    expect(compareOutputs({ x: [1], y: [1, 2] }, column('FP32', 1))).toEqual({
      compared: 3,
      differences: [{ output: 'x', index: 0, stored: 1, recomputed: null }, { output: 'y', index: 1, stored: 2, recomputed: null }],
    });
    expect(compareOutputs({}, column('FP32', 1)).differences).toEqual([{ output: 'y', index: 0, stored: null, recomputed: 1 }]);
  });
});

it('a score is what the signature names, where it is finite', () => {
  const outputs = column('FP32', 0.25, 'NaN');
  expect(scoreIn(outputs, { output: 'y', index: 0 })).toBe(0.25);
  expect(scoreIn(outputs, { output: 'y', index: 1 })).toBeUndefined();
  expect(scoreIn(outputs, { output: 'z', index: 0 })).toBeUndefined();
  expect(scoreIn(outputs, undefined)).toBeUndefined();
  expect(scoreIn(column('INT64', '9007199254740993'), { output: 'y', index: 0 })).toBe(9007199254740992);
});
