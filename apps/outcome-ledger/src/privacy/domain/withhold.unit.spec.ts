import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packFeatures, unpackFeatures, type FeatureValue } from '../../domain/features-codec.js';
import type { PredictionRecord } from '../../domain/prediction.js';
import { hashKeyOf, hashOf, isHash } from './hashing.js';
import { withhold } from './withhold.js';

const KEY = hashKeyOf(Buffer.from('a secret of thirty-two characters'));
const hash = (text: string): string => hashOf(KEY, text);
const FEATURES = ['age', 'city', 'hour'].map((name) => ({ name, kind: 'numeric' as const }));

const record = (values: readonly FeatureValue[], over: Partial<PredictionRecord> = {}): PredictionRecord => ({
  predictionId: 'p', day: '2026-11-21', state: 'scored', attempt: 0, requestSource: '/shop', requestId: 'r-1', row: undefined, lane: 'stream', team: undefined, routingKey: 'k-1',
  entities: { customer: '42', shop: '7' }, occurredAtMs: 0, requestedAtMs: 0, answeredAtMs: 0, publishedAtMs: 0, requestCoordinates: undefined, answerCoordinates: 't/0/1', worker: 'w', trace: undefined,
  parentSpanId: undefined, model: 'm', version: '1', rejection: undefined,
  answer: {
    artifactSha256: 'a', role: 'champion', assignmentRevision: 1, propensity: undefined, outputs: { probability: [0.5] }, score: 0.5, features: packFeatures(values), ageSeconds: undefined,
    defaulted: undefined, timingsMs: {}, batchSize: 1, runtime: undefined, costMicroUsd: undefined, fallback: undefined,
  },
  ...over,
});
const featuresOf = (one: PredictionRecord): FeatureValue[] => unpackFeatures(one.answer!.features);
const value = fc.oneof(fc.double(), fc.string(), fc.boolean(), fc.constant(null));

describe('what a policy names', () => {
  it('is not in the record any more, whatever the value, and nothing else is changed', () => {
    fc.assert(fc.property(fc.tuple(value, value, value), ([age, city, hour]) => {
      const kept = withhold(record([age, city, hour]), { features: { age: 'omit', city: 'hash' } }, FEATURES, hash);
      const [a, c, h] = featuresOf(kept);
      expect(a).toBeNull();
      expect(city === null ? c : isHash(c)).toBe(city === null ? null : true);
      expect(h).toEqual(hour);
      expect(kept.answer?.isWithheld ?? false).toBe(age !== null || city !== null);
      expect(kept).toMatchObject({ requestId: 'r-1', routingKey: 'k-1', entities: { customer: '42', shop: '7' } });
    }));
  });

  it('is hashed so that equal values stay equal and others do not become so, wherever they stand', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (one, other) => {
      const policy = { entities: { customer: 'hash' as const, shop: 'hash' as const }, routingKey: 'hash' as const, requestId: 'hash' as const };
      const kept = withhold(record([], { entities: { customer: one, shop: other }, routingKey: one, requestId: other }), policy, [], hash);
      expect(kept.entities?.['customer']).toBe(kept.routingKey);
      expect(kept.entities?.['shop']).toBe(kept.requestId);
      expect(kept.entities?.['customer'] === kept.entities?.['shop']).toBe(one === other);
      expect(isHash(kept.routingKey)).toBe(true);
    }));
  });

  it('is left out where there is no key to hash with', () => {
    const kept = withhold(record([1, 2, 3]), { features: { age: 'hash' }, entities: { customer: 'hash' }, routingKey: 'hash', requestId: 'hash' }, FEATURES, undefined);
    expect(featuresOf(kept)).toEqual([null, 2, 3]);
    expect(kept).toMatchObject({ requestId: '', routingKey: undefined, entities: { shop: '7' }, answer: { isWithheld: true } });
    expect(kept.entities).not.toHaveProperty('customer');
  });
});

it('features of a version that nobody has described are all left out: one of them may be the named one', () => {
  expect(featuresOf(withhold(record([1, 2, 3]), { features: { age: 'omit' } }, undefined, hash))).toEqual([null, null, null]);
});

it('outputs are left out but for the score', () => {
  expect(withhold(record([1, 2, 3]), { outputs: 'omit' }, FEATURES, hash).answer).toMatchObject({ outputs: {}, score: 0.5, isWithheld: true });
});

it('without a policy on features or outputs the answer can be recomputed', () => {
  expect(withhold(record([1, 2, 3]), { entities: { customer: 'omit' } }, FEATURES, hash).answer?.isWithheld).toBeUndefined();
});
