import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPackError, planPacking, readTensors, tensorRow, unknownTensors, type TensorTable, type WireTensor } from './index.js';

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
    ['billions of rows without a value', [tensor('input', [2 ** 31, 0], [])], 'wrong_shape'],
    ['dimensions without end', [tensor('input', new Array(100_000).fill(1), [1])], 'wrong_shape'],
    ['a scalar', [tensor('input', [], [1])], 'wrong_shape'],
    ['fewer values than the shape says', [tensor('input', [1, 3], [1, 2])], 'wrong_shape'],
    ['different numbers of rows', [tensor('hour', [2], [1, 2]), tensor('distance', [1], [1])], 'wrong_shape'],
    ['dimensions whose product overflows', [tensor('input', [1, 2 ** 40, 2 ** 40], [])], 'wrong_shape'],
    ['an object as a value', [tensor('input', [1, 3], [1, {}, 2])], 'wrong_type'],
    ['an unknown datatype', [tensor('input', [1, 3], [1, 2, 3], 'FLOAT')], 'wrong_type'],
    ['the name of a property that every object has as datatype', [tensor('input', [1, 3], [1, 2, 3], 'toString')], 'wrong_type'],
    ['two tensors of one name', [tensor('hour', [1], [1]), tensor('hour', [1], [2])], 'schema_invalid'],
  ])('refuses %s', (_, tensors, code) => {
    expect(readTensors(tensors)).toMatchObject({ code });
  });

  it.each([
    ['a matrix of the wrong width', [tensor('input', [1, 2], [1, 2])], 'wrong_shape', /“input” takes \[n, 3\], got \[n, 2\]/],
    ['a matrix of the right width in another shape', [tensor('input', [1, 3, 1], [1, 2, 3])], 'wrong_shape', /“input” takes \[n, 3\], got \[n, 3, 1\]/],
    ['nothing but tensors that nobody knows', [tensor('other', [1], [1])], 'unknown_input', /“other”/],
    ['a feature with two values a row', [tensor('hour', [1, 2], [1, 2])], 'wrong_shape', /“hour”/],
    ['a feature beside the matrix that holds it', [tensor('input', [1, 3], [1, 2, 3]), tensor('hour', [1], [4])], 'schema_invalid', /“hour” comes twice/],
    ['text for numbers', [tensor('hour', [1], ['7'], 'BYTES')], 'wrong_type', /“hour” takes FP32/],
  ])('refuses %s for a model, naming it', (_, tensors, code, reason) => {
    expect(tensorRow(plan, table(...tensors), 0)).toMatchObject({ code, reason: expect.stringMatching(reason) });
  });

  it('passes over tensors that the model does not know, and names them', () => {
    const read = table(tensor('hour', [1], [7]), tensor('weather', [1], ['rain'], 'BYTES'));
    expect(tensorRow(plan, read, 0)).toEqual([7, undefined, undefined]);
    expect(unknownTensors(plan, read)).toEqual(['weather']);
  });

  it.each([
    ['FP32', [1, 1.5, -0, 'NaN', '-Infinity', '9007199254740993', null], [true, 'seven', '1.5', '']],
    ['INT64', [7, '9223372036854775807', '-9223372036854775808', null], [1.5, true, '9223372036854775808', 'x', 1e300]],
    ['UINT8', [0, 255], [-1, 256, 0.5, '256']],
    ['INT8', [-128, 127], [-129, 128]],
    ['BOOL', [true, false, 0, 1, null], [2, 'true']],
  ])('takes in a %s tensor %j, and refuses %j', (datatype, good, bad) => {
    for (const value of good) expect(tensorRow(plan, table(tensor('hour', [1], [value], datatype)), 0)).toEqual([value, undefined, undefined]);
    for (const value of bad) expect(tensorRow(plan, table(tensor('hour', [1], [value], datatype)), 0)).toMatchObject({ code: 'wrong_type', reason: expect.stringContaining('“hour”') });
  });

  it('takes the inputs of a model with several, each in its shape or with its rows laid flat, beside single features', () => {
    const several = planPacking({
      inputs: [{ name: 'numbers', datatype: 'FP32', shape: [-1, 2, 2] }, { name: 'texts', datatype: 'BYTES', shape: [-1, 2] }],
      features: [...['a', 'b', 'c', 'd'].map((name) => ({ name, kind: 'numeric' as const })), ...['from', 'to'].map((name) => ({ name, kind: 'categorical' as const }))],
    });
    const to = tensor('to', [1], ['JFK'], 'BYTES');
    for (const shape of [[1, 2, 2], [1, 4]]) {
      expect(tensorRow(several, table(to, tensor('numbers', shape, [1, 2, 3, 4])), 0)).toEqual([1, 2, 3, 4, undefined, 'JFK']);
    }
    expect(tensorRow(several, table(tensor('numbers', [1, 1, 4], [1, 2, 3, 4])), 0)).toMatchObject({ code: 'wrong_shape' });
  });
});
