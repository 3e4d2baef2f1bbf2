import type { CurrentValues, FeatureViewDefinition } from '@throughline/features';
import { describe, expect, it } from 'vitest';
import { answerOnlineFeatures, planOnlineFeatures, type OnlineRequest } from './online-features.js';

const T0 = Date.UTC(2001, 0, 1);
const view = (version: number, maxAgeSeconds?: number): FeatureViewDefinition => ({
  name: 'traffic', version, entityType: 'airport', maxAgeSeconds,
  features: [{ name: 'n', event: 'departed', aggregate: 'count', windowSeconds: 60 }, { name: 'delay', event: 'departed', aggregate: 'mean', field: 'delay', windowSeconds: 60 }],
});
const versions = [view(1), view(2, 3600)];
const viewOf = (name: string, version = 2) => versions.find((v) => v.name === name && v.version === version);
const request = (change: Partial<OnlineRequest> = {}): OnlineRequest => ({
  features: ['traffic:n', 'traffic:delay'], entities: { airport: ['ATL', 'SFO', 'XXX'] }, fullFeatureNames: false, asOfMs: T0 + 60_000, includeOutsideMaxAge: false, ...change,
});
const found = new Map<string, CurrentValues>([
  ['traffic@2|ATL', { values: { n: 3, delay: 4.5 }, eventTimeMs: T0, sequence: 3 }],
  ['traffic@2|SFO', { values: { n: 0, delay: null }, eventTimeMs: T0, sequence: 9 }],
  ['traffic@1|ATL', { values: { n: 1 }, eventTimeMs: T0, sequence: 1 }],
]);
const answer = (r: OnlineRequest) => answerOnlineFeatures(r, planOnlineFeatures(r, viewOf), found);

describe('get-online-features', () => {
  it('answers columnar: entities first, then a column a feature, in the order asked', () => {
    expect(answer(request())).toEqual({
      metadata: { feature_names: ['airport', 'n', 'delay'] },
      results: [
        { values: ['ATL', 'SFO', 'XXX'], statuses: ['PRESENT', 'PRESENT', 'PRESENT'], event_timestamps: Array(3).fill('1970-01-01T00:00:00Z') },
        { values: [3, 0, null], statuses: ['PRESENT', 'PRESENT', 'NOT_FOUND'], event_timestamps: ['2001-01-01T00:00:00.000Z', '2001-01-01T00:00:00.000Z', '1970-01-01T00:00:00Z'], sequences: [3, 9, 0] },
        { values: [4.5, null, null], statuses: ['PRESENT', 'NULL_VALUE', 'NOT_FOUND'], event_timestamps: ['2001-01-01T00:00:00.000Z', '2001-01-01T00:00:00.000Z', '1970-01-01T00:00:00Z'], sequences: [3, 9, 0] },
      ],
    });
  });

  it('withholds values that are too old at the moment asked for, and still says when they were true', () => {
    const [, column] = answer(request({ asOfMs: T0 + 3600_001 })).results;
    expect(column).toMatchObject({ values: [null, null, null], statuses: ['OUTSIDE_MAX_AGE', 'OUTSIDE_MAX_AGE', 'NOT_FOUND'] });
    expect(column!.event_timestamps[0]).toBe('2001-01-01T00:00:00.000Z');
    expect(answer(request({ asOfMs: T0 + 3600_000 })).results[1]!.statuses[0]).toBe('PRESENT');
  });

  it('gives them to a reader who judges ages itself, still with their status', () => {
    const [, column] = answer(request({ asOfMs: T0 + 3600_001, includeOutsideMaxAge: true })).results;
    expect(column).toMatchObject({ values: [3, 0, null], statuses: ['OUTSIDE_MAX_AGE', 'OUTSIDE_MAX_AGE', 'NOT_FOUND'] });
  });

  it('reads the version asked for, else the latest', () => {
    expect(answer(request({ features: ['traffic@1:n'] })).results[1]!.values).toEqual([1, null, null]);
  });

  it('gives full names on request', () => {
    expect(answer(request({ fullFeatureNames: true })).metadata.feature_names).toEqual(['airport', 'traffic__n', 'traffic__delay']);
  });

  it('takes integers as ids and gives them back as they came', () => {
    const r = request({ entities: { airport: [42] } });
    expect(planOnlineFeatures(r, viewOf).keys).toEqual([{ view: 'traffic', version: 2, entityId: '42' }]);
    expect(answer(r).results[0]!.values).toEqual([42]);
  });

  it.each([
    ['an unknown view', { features: ['nothing:n'] }, 'not_found', 'there is no feature view nothing'],
    ['an unknown version', { features: ['traffic@9:n'] }, 'not_found', 'there is no feature view traffic@9'],
    ['an unknown feature', { features: ['traffic:x'] }, 'not_found', 'feature view traffic@2 has no feature x'],
    ['a reference without a view', { features: ['n'] }, 'invalid_request', 'must be view:feature'],
    ['two columns of one name', { features: ['traffic:n', 'traffic@1:n'] }, 'invalid_request', 'two columns would be called n'],
    ['no entities', { entities: {} }, 'invalid_request', 'at least one id'],
    ['entities of another type', { entities: { carrier: ['DL'] } }, 'invalid_request', 'entities needs airport'],
    ['entities of different length', { entities: { airport: ['ATL'], carrier: ['DL', 'UA'] } }, 'invalid_request', 'same number of ids'],
    ['an id that is none', { entities: { airport: [null] } }, 'invalid_request', 'entities.airport[0] must be'],
    ['too much at once', { entities: { airport: Array(100_001).fill('ATL') } }, 'invalid_request', 'are more than 200000 values'],
  ])('refuses %s and says why', (_, change, code, reason) => {
    expect(() => planOnlineFeatures(request(change), viewOf)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(reason) }));
  });
});
