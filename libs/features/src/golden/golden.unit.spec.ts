import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outputRow } from '../pack/output-row.js';
import { describeGoldenMismatch, goldenMismatch, type GoldenColumn } from './golden.js';

const column = (datatype: string, data: GoldenColumn['data'], rowWidth = 1): GoldenColumn => ({ name: 'y', datatype, data, rowWidth });
const golden = (...promised: unknown[][]) => ({ rows: promised.map((y) => ({ values: [], outputs: { y } })) });

describe('golden inputs', () => {
  it('pass for whatever they were frozen from', () => {
    const data = fc.oneof(
      fc.array(fc.float(), { minLength: 1, maxLength: 20 }).map((values) => column('FP32', Float32Array.from(values))),
      fc.array(fc.double(), { minLength: 1, maxLength: 20 }).map((values) => column('FP64', Float64Array.from(values))),
      fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 20 }).map((values) => column('INT64', BigInt64Array.from(values))),
      fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 20 }).map((values) => column('BOOL', Uint8Array.from(values))),
      fc.array(fc.string(), { minLength: 1, maxLength: 20 }).map((values) => column('BYTES', values)),
    );
    fc.assert(fc.property(data, (output) => {
      const frozen = JSON.parse(JSON.stringify(Array.from({ length: output.data.length }, (_, row) => outputRow(output, row)))) as unknown[][];
      expect(goldenMismatch({ ...golden(...frozen), absoluteTolerance: 0, relativeTolerance: 0 }, [output])).toBeUndefined();
    }));
  });

  it.each([
    ['a little off', column('FP32', Float32Array.of(0.50003)), [0.5], true],
    ['too far off', column('FP32', Float32Array.of(0.5002)), [0.5], false],
    ['off near zero', column('FP64', Float64Array.of(9e-6)), [0], true],
    ['an integer off by one', column('INT64', BigInt64Array.of(1_000_001n)), [1_000_000], false],
    ['another text', column('BYTES', ['a']), ['b'], false],
    ['true for 1', column('BOOL', Uint8Array.of(1)), [1], false],
    ['NaN for a number', column('FP32', Float32Array.of(NaN)), [0.5], false],
    ['NaN for NaN', column('FP32', Float32Array.of(NaN)), ['NaN'], true],
    ['an infinity for the other', column('FP32', Float32Array.of(Infinity)), ['-Infinity'], false],
    ['more values than promised', column('FP32', Float32Array.of(0.5, 0.5), 2), [0.5], false],
  ] as const)('judge %s', (_, output, promised, passes) => {
    expect(goldenMismatch(golden([...promised]), [output]) === undefined).toBe(passes);
  });

  it('name the row, the output, what came and what was promised', () => {
    const mismatch = goldenMismatch(golden([1], [2]), [column('FP32', Float32Array.of(1, 3))])!;
    expect(describeGoldenMismatch(mismatch)).toBe('golden row 1 answers “y” with [3], not [2] as promised');
    expect(describeGoldenMismatch(goldenMismatch(golden([1]), [])!)).toContain('with nothing');
  });
});
