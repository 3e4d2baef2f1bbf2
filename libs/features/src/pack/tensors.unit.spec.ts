import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPackError, planPacking, readTensors, tensorRow, type TensorTable, type WireTensor } from './index.js';

const features = ['hour', 'distance', 'carrier'].map((name) => ({ name, kind: 'numeric' as const }));
const plan = planPacking({ inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 3] }], features });
const tensor = (name: string, shape: number[], data: unknown[], datatype = 'FP32'): WireTensor => ({ name, shape, datatype, data });

function table(...tensors: WireTensor[]): TensorTable {
  const read = readTensors(tensors);
  if (isPackError(read)) throw new Error(read.reason);
  return read;
}

describe('tensors of the Open Inference Protocol', () => {
  it('reads a matrix row by row, flat or nested alike', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer(), fc.integer(), fc.integer()), { minLength: 1, maxLength: 20 }), (rows) => {
        const shape = [rows.length, 3];
        for (const data of [rows.flat(), rows]) {
          const read = table(tensor('input', shape, data));
          expect(rows.map((_, index) => tensorRow(plan, read, index))).toEqual(rows);
        }
      }),
    );
  });

  it('reads one tensor per feature, in any order, and leaves absent features open', () => {
    const read = table(tensor('distance', [2, 1], [337, 2475]), tensor('hour', [2], [7, 18], 'INT64'));
    expect([tensorRow(plan, read, 0), tensorRow(plan, read, 1)]).toEqual([[7, 337, undefined], [18, 2475, undefined]]);
  });

  it.each([
    ['no tensors', [], 'wrong_shape'],
    ['no rows', [tensor('input', [0, 3], [])], 'wrong_shape'],
    ['a scalar', [tensor('input', [], [1])], 'wrong_shape'],
    ['fewer values than the shape says', [tensor('input', [1, 3], [1, 2])], 'wrong_shape'],
    ['different numbers of rows', [tensor('hour', [2], [1, 2]), tensor('distance', [1], [1])], 'wrong_shape'],
    ['dimensions whose product overflows', [tensor('input', [1, 2 ** 40, 2 ** 40], [])], 'wrong_shape'],
    ['an object as a value', [tensor('input', [1, 3], [1, {}, 2])], 'wrong_type'],
    ['an unknown datatype', [tensor('input', [1, 3], [1, 2, 3], 'FLOAT')], 'wrong_type'],
  ])('refuses %s', (_, tensors, code) => {
    expect(readTensors(tensors)).toMatchObject({ code });
  });

  it.each([
    ['a matrix of the wrong width', tensor('input', [1, 2], [1, 2])],
    ['a tensor that nobody knows', tensor('other', [1], [1])],
    ['a feature with two values a row', tensor('hour', [1, 2], [1, 2])],
  ])('refuses %s for a model, naming it', (_, one) => {
    expect(tensorRow(plan, table(one), 0)).toMatchObject({ code: 'wrong_shape', reason: expect.stringMatching(/hour|other|3 features/) });
  });
});
