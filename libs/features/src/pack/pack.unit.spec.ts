import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateColumns, assembleRow, isPackError, packRow, planPacking, sliceColumns, toWire, readNumber, type PackPlan, type ServedFeature } from './index.js';

const feature = (name: string, more: Partial<ServedFeature> = {}): ServedFeature => ({ name, kind: 'numeric', ...more });
const matrixPlan = (features: ServedFeature[], datatype = 'FP32'): PackPlan => planPacking({ inputs: [{ name: 'input', datatype, shape: [-1, features.length] }], features });
const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }).filter((name) => !(name in Object.prototype)), { minLength: 1, maxLength: 12 });

const kindOf = (datatype: string): Partial<ServedFeature> => ({ kind: datatype === 'BYTES' ? 'categorical' : 'numeric' });

function packOne(plan: PackPlan, values: (number | string | boolean)[]) {
  const packed = allocateColumns(plan, 1);
  return packRow(plan, packed, 0, values) ?? packed;
}

describe('packing', () => {
  it('puts every feature into the column of its place in the signature, whatever the order in the request', () => {
    fc.assert(
      fc.property(names, fc.infiniteStream(fc.float({ noNaN: true, noDefaultInfinity: true })), fc.nat(5), (order, stream, row) => {
        const plan = matrixPlan(order.map((name) => feature(name)));
        const expected = order.map(() => stream.next().value as number);
        const named = Object.fromEntries(order.map((name, index) => [name, expected[index]!] as const).reverse());
        const assembled = assembleRow(plan, { named });
        if (isPackError(assembled)) throw new Error(assembled.reason);
        const packed = allocateColumns(plan, 6);
        expect(packRow(plan, packed, row, assembled.values)).toBeUndefined();
        expect([...(sliceColumns(plan, packed, row, row + 1)['input'] as Float32Array)]).toEqual(expected);
      }),
    );
  });

  it('takes the request’s value, else the stored one, else the default, else names the feature that is missing', () => {
    const value = fc.option(fc.integer(), { nil: undefined });
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, null), value, value, (requested, absent, stored, fallback) => {
        const plan = matrixPlan([feature('first'), feature('delay', { default: fallback })]);
        const row = assembleRow(plan, { named: { first: 1, delay: requested ?? absent }, stored: [undefined, stored] });
        const expected = requested ?? stored ?? fallback;
        if (expected === undefined) expect(row).toMatchObject({ code: 'feature_missing', reason: expect.stringContaining('“delay”') });
        else expect(row).toMatchObject({ values: [1, expected], defaulted: requested === undefined && stored === undefined ? [1] : undefined });
      }),
    );
  });

  it('counts the values of the request that no feature has the name of', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('first', 'second', 'third', 'fourth'), fc.option(fc.integer())), (named) => {
        const plan = matrixPlan([feature('first', { default: 0 }), feature('second', { default: 0 })]);
        expect(assembleRow(plan, { named })).toMatchObject({ ignoredCount: Number('third' in named) + Number('fourth' in named) });
      }),
    );
  });

  it.each(['NaN', 'Infinity', '-Infinity'])('accepts %s only where the signature allows it', (text) => {
    const number = readNumber(text)!;
    expect(packOne(matrixPlan([feature('x', { allowNaN: true })]), [text])).toEqual({ input: Float32Array.of(number) });
    expect(packOne(matrixPlan([feature('x')]), [text])).toMatchObject({ code: 'value_forbidden' });
    expect(packOne(matrixPlan([feature('x', { allowNaN: true })], 'INT64'), [text])).toMatchObject({ code: 'value_forbidden' });
  });

  it('never turns a finite value into an infinite one, even where infinities are allowed', () => {
    for (const allowNaN of [true, false]) expect(packOne(matrixPlan([feature('x', { allowNaN })]), [1e300])).toMatchObject({ code: 'value_forbidden' });
    expect(packOne(matrixPlan([feature('x')], 'FP64'), [1e300])).toEqual({ input: Float64Array.of(1e300) });
  });

  it('keeps integers beyond 2^53 exact when they come as text, and refuses them as numbers', () => {
    const plan = matrixPlan([feature('x')], 'INT64');
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (integer) => {
        expect(packOne(plan, [integer.toString()])).toEqual({ input: BigInt64Array.of(integer) });
      }),
    );
    expect(packOne(plan, [2 ** 60])).toMatchObject({ code: 'value_forbidden' });
    expect(packOne(plan, ['9223372036854775808'])).toMatchObject({ code: 'value_forbidden' });
  });

  it.each([
    ['FP32', 'twelve', 'wrong_type'],
    ['FP32', '', 'wrong_type'],
    ['FP32', '1.5', 'wrong_type'],
    ['FP32', 'toString', 'wrong_type'],
    ['INT64', 1.5, 'wrong_type'],
    ['INT32', 2 ** 31, 'value_forbidden'],
    ['BOOL', 2, 'wrong_type'],
    ['BYTES', 7, 'wrong_type'],
  ])('refuses in a %s input the value %j as %s', (datatype, value, code) => {
    expect(packOne(matrixPlan([feature('x', kindOf(datatype))], datatype), [value])).toMatchObject({ code, reason: expect.stringContaining('“x”') });
  });

  it.each([
    ['FP32', true, Float32Array.of(1)],
    ['FP32', '12', Float32Array.of(12)],
    ['INT32', '-7', Int32Array.of(-7)],
    ['INT64', 7, BigInt64Array.of(7n)],
    ['BOOL', true, Uint8Array.of(1)],
    ['BOOL', 0, Uint8Array.of(0)],
    ['BYTES', 'AA', ['AA']],
  ])('packs into a %s input the value %j', (datatype, value, input) => {
    expect(packOne(matrixPlan([feature('x', kindOf(datatype))], datatype), [value])).toEqual({ input });
  });

  it('leaves the other rows alone when one fails in its middle', () => {
    const plan = matrixPlan([feature('a'), feature('b')]);
    const packed = allocateColumns(plan, 2);
    expect(packRow(plan, packed, 0, [1, 2])).toBeUndefined();
    expect(packRow(plan, packed, 1, [3, 'x'])).toMatchObject({ code: 'wrong_type' });
    expect(packRow(plan, packed, 1, [5, 6])).toBeUndefined();
    expect(packed['input']).toEqual(Float32Array.of(1, 2, 5, 6));
  });

  it('fills one input per feature, of mixed datatypes, by name', () => {
    const plan = planPacking({
      inputs: [{ name: 'miles', datatype: 'FP32', shape: [-1, 1] }, { name: 'carrier', datatype: 'BYTES', shape: [-1] }],
      features: [feature('carrier', { kind: 'categorical' }), feature('miles')],
    });
    expect(packOne(plan, ['AA', 337])).toEqual({ miles: Float32Array.of(337), carrier: ['AA'] });
  });

  it('fills wider inputs with the features that no input is named after, in their order', () => {
    const plan = planPacking({
      inputs: [{ name: 'numbers', datatype: 'FP32', shape: [-1, 2] }, { name: 'carrier', datatype: 'BYTES', shape: [-1, 1] }, { name: 'flags', datatype: 'BOOL', shape: [-1, 2] }],
      features: [feature('miles'), feature('carrier', { kind: 'categorical' }), feature('hour'), feature('holiday'), feature('night')],
    });
    expect(packOne(plan, [337, 'AA', 7, true, 0])).toEqual({ numbers: Float32Array.of(337, 7), carrier: ['AA'], flags: Uint8Array.of(1, 0) });
  });

  it('fills an input of several dimensions row-major', () => {
    const plan = planPacking({ inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 2, 1, 2] }], features: ['a', 'b', 'c', 'd'].map((name) => feature(name)) });
    expect(plan.inputs[0]!.rowShape).toEqual([2, 1, 2]);
    expect(packOne(plan, [1, 2, 3, 4])).toEqual({ image: Float32Array.of(1, 2, 3, 4) });
  });

  it('sends every number in a form that reads back as the same number', () => {
    fc.assert(
      fc.property(fc.double(), (number) => {
        expect(readNumber(JSON.parse(JSON.stringify(toWire(number))) as number | string)).toBe(number === 0 ? 0 : number);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (integer) => {
        expect(BigInt(toWire(integer))).toBe(integer);
      }),
    );
  });
});

describe('planPacking', () => {
  it.each([
    ['a matrix of another width', [{ name: 'input', datatype: 'FP32', shape: [-1, 3] }], ['a', 'b']],
    ['an input without its feature', [{ name: 'a', datatype: 'FP32', shape: [-1] }, { name: 'c', datatype: 'FP32', shape: [-1] }], ['a', 'b']],
    ['more features than inputs', [{ name: 'a', datatype: 'FP32', shape: [-1] }, { name: 'b', datatype: 'FP32', shape: [-1] }], ['a', 'b', 'c']],
    ['an unknown datatype', [{ name: 'input', datatype: 'FP16', shape: [-1, 2] }], ['a', 'b']],
    ['two features of one name', [{ name: 'input', datatype: 'FP32', shape: [-1, 2] }], ['a', 'a']],
    ['a name that every object has', [{ name: 'input', datatype: 'FP32', shape: [-1, 2] }], ['a', 'constructor']],
    ['a free dimension beside the rows', [{ name: 'input', datatype: 'FP32', shape: [-1, -1, 2] }], ['a', 'b']],
    ['an input without a dimension for the rows', [{ name: 'input', datatype: 'FP32', shape: [] }], ['a']],
    ['fewer features than the inputs take', [{ name: 'a', datatype: 'FP32', shape: [-1, 2] }, { name: 'b', datatype: 'FP32', shape: [-1, 2] }], ['x', 'y', 'z']],
    ['a numeric feature for a text input', [{ name: 'input', datatype: 'BYTES', shape: [-1, 1] }], ['a']],
    ['no features', [{ name: 'input', datatype: 'FP32', shape: [-1, 0] }], []],
    ['no inputs', [], ['a']],
  ])('refuses %s', (_, inputs, featureNames) => {
    expect(() => planPacking({ inputs, features: featureNames.map((name) => feature(name)) })).toThrow(expect.objectContaining({ name: 'PackPlanError' }));
  });
});
