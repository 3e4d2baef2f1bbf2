import { describe, expect, it } from 'vitest';
import type { ColumnPlan } from './column-plan.js';
import { featureValue, requestOfRow } from './request-row.js';

describe('a cell as a feature', () => {
  it.each<[unknown, string, unknown]>([
    ['', 'FP32', null], [null, 'FP32', null], [undefined, 'BYTES', null],
    ['1.5', 'FP32', 1.5], [' 7 ', 'INT64', 7], ['-1e3', 'FP64', -1000], ['.5', 'FP32', 0.5],
    ['9007199254740993', 'INT64', '9007199254740993'], [9007199254740993n, 'INT64', '9007199254740993'], [5n, 'INT64', 5],
    ['nan', 'FP32', 'NaN'], ['-inf', 'FP32', '-Infinity'], [Number.NaN, 'FP32', 'NaN'], [Number.POSITIVE_INFINITY, 'FP32', 'Infinity'],
    ['TRUE', 'BOOL', true], ['false', 'BOOL', false], [true, 'BOOL', true],
    ['007', 'BYTES', '007'], [' SFO ', 'BYTES', ' SFO '], [7, 'BYTES', '7'], [7n, 'BYTES', '7'],
    ['abc', 'FP32', 'abc'], ['true', 'FP32', 'true'], [[1], 'FP32', [1]],
    [new Date(0), 'BYTES', '1970-01-01T00:00:00.000Z'],
  ])('%o for %s travels as %o', (cell, datatype, expected) => {
    expect(featureValue(cell, datatype)).toEqual(expected);
  });
});

describe('the request of a row', () => {
  const plan: ColumnPlan = {
    features: [{ name: 'hour', index: 0, datatype: 'FP32' }], entities: [{ role: 'origin', index: 1 }], routingKey: 2, occurredAt: 3, id: undefined, carried: [], needed: new Set(),
  };

  it('says what the columns say, and leaves out what is empty', () => {
    expect(requestOfRow(['7', 'SFO', 42, new Date(0)], plan, { model: 'm', version: '2', team: 't', deadlineMs: 5 })).toEqual({
      model: 'm', version: '2', team: 't', deadlineMs: 5, features: { hour: 7 }, entities: { origin: 'SFO' }, routingKey: '42', occurredAt: '1970-01-01T00:00:00.000Z',
    });
    expect(requestOfRow(['', '', '', ''], plan, { model: 'm' })).toEqual({ model: 'm', features: {} });
  });

  it.each([[['7', 'SFO', '', '2001-02-03 04:05'], 'occurredAt'], [[{ a: 1 }, '', '', ''], 'features'], [['7', 'x'.repeat(501), '', ''], 'entities'], [['7', '', 'x'.repeat(501), ''], 'routingKey']])(
    'refuses what would not be a request, naming the field: %#', (cells, field) => {
      expect(() => requestOfRow(cells, plan, { model: 'm' })).toThrow(expect.objectContaining({ code: 'schema_invalid', message: expect.stringContaining(field) }));
    },
  );
});
