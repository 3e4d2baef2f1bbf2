import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLUSTERS, type Evidence } from '../domain/evidence.js';
import type { Guard, RolloutSpec } from '../domain/spec.js';
import { compare } from './compare.js';
import { isBetter } from './is-better.js';
import { alphaOfTest, judge, replay } from './judge.js';
import { EvidenceBuilder } from './testing/evidence-builder.js';
import { EQUAL, normal, rollout, seeded, STRICT, watching } from './testing/simulation.js';

/** Adds `count` values of an arm over so many clusters, of which `ones` are 1. */
function fill(to: EvidenceBuilder, where: { step: number; arm: 'champion' | 'candidate'; measure: string }, count: number, ones: number, clusters = CLUSTERS): EvidenceBuilder {
  for (let n = 0; n < count; n++) to.add(where.step, where.arm, where.measure, (n * 7) % clusters, Number(Math.floor(((n + 1) * ones) / count) > Math.floor((n * ones) / count)));
  return to;
}
const arms = (measure: string, candidate: [number, number], champion: [number, number], clusters = CLUSTERS): EvidenceBuilder =>
  fill(fill(new EvidenceBuilder(), { step: 1, arm: 'candidate', measure }, ...candidate, clusters), { step: 1, arm: 'champion', measure }, ...champion, clusters);
const errors: Guard = { kind: 'error_rate', minSamples: 200, maxIncrease: 0.01 };
const only = (guard: Guard, evidence: Evidence, spec: Partial<RolloutSpec> = {}) => judge({ ...watching([guard]), ...spec }, evidence)[0]!;

describe('a guard', () => {
  it.each(STRICT)('of $kind has no verdict without evidence', (guard) => {
    expect(only(guard, { steps: [] })).toMatchObject({ guard: guard.kind, state: 'insufficient_data', samples: { candidate: 0, champion: 0 } });
  });

  it('has no verdict below its minimum of either arm, however bad it looks', () => {
    expect(only(errors, arms('error', [199, 199], [5000, 0]).evidence).state).toBe('insufficient_data');
    expect(only(errors, arms('error', [5000, 5000], [199, 0]).evidence).state).toBe('insufficient_data');
    expect(only(errors, arms('error', [200, 200], [5000, 0]).evidence).state).toBe('breached');
  });

  it('has no verdict from a handful of routing keys, however many answers they brought', () => {
    expect(only(errors, arms('error', [5000, 5000], [5000, 0], 4).evidence)).toMatchObject({ state: 'insufficient_data', says: expect.stringContaining('routing keys') as string });
  });

  it('is content with two versions that never fail', () => {
    expect(only(errors, arms('error', [500, 0], [500, 0]).evidence)).toMatchObject({ state: 'ok', difference: 0, low: 0, high: 0 });
  });

  it('lets a difference within its limit be, however sure it is', () => {
    expect(only({ ...errors, maxIncrease: 0.1 }, arms('error', [20_000, 1400], [20_000, 200]).evidence)).toMatchObject({ state: 'ok', limit: 0.1 });
    expect(only({ ...errors, maxIncrease: 0.01 }, arms('error', [20_000, 1400], [20_000, 200]).evidence)).toMatchObject({ state: 'breached', limit: 0.01 });
  });

  it('does not take a small arm for sure only because it has not met the rare event yet', () => {
    // Nineteen in twenty are wrong with both; the candidate's first sixty happen to be all of them.
    const guard: Guard = { kind: 'quality', loss: 'wrong', minSamples: 50, maxIncrease: 0, segments: false };
    expect(only(guard, arms('wrong', [60, 60], [5000, 4750]).evidence).state).toBe('ok');
  });

  it('holds the candidate to its maximum whatever the champion has, also where nobody else answers', () => {
    const guard: Guard = { ...errors, max: 0.05 };
    expect(only(guard, arms('error', [4000, 400], [4000, 400]).evidence)).toMatchObject({ state: 'breached', limit: 0.05 });
    expect(only(guard, fill(new EvidenceBuilder(), { step: 5, arm: 'candidate', measure: 'error' }, 4000, 400).evidence)).toMatchObject({ state: 'breached', limit: 0.05 });
  });

  it('of business value breaches on a loss, not on a gain', () => {
    const guard: Guard = { kind: 'business_value', minSamples: 200, maxLossMicroUsd: 0.1 };
    expect(only(guard, arms('value', [4000, 400], [4000, 1600]).evidence)).toMatchObject({ state: 'breached', difference: expect.closeTo(-0.3, 6) as number });
    expect(only(guard, arms('value', [4000, 1600], [4000, 400]).evidence).state).toBe('ok');
  });

  it('compares a blue-green before and after the switch, which have no step in common', () => {
    const apart = fill(fill(new EvidenceBuilder(), { step: 0, arm: 'champion', measure: 'error' }, 1000, 5), { step: 1, arm: 'candidate', measure: 'error' }, 1000, 300).evidence;
    expect(only(errors, apart, { strategy: 'blue_green' }).state).toBe('breached');
    expect(only(errors, apart, { strategy: 'canary' }).state).toBe('insufficient_data');
  });

  it('of a shadow finds in the pairs what the arms apart would not show', () => {
    const random = seeded(3);
    const builder = new EvidenceBuilder();
    for (let n = 0; n < 1000; n++) {
      const [cluster, hard] = [n % CLUSTERS, 10 * Math.abs(normal(random))];
      const difference = 0.2 + 0.1 * normal(random);
      builder.add(1, 'champion', 'absolute_error', cluster, hard).add(1, 'candidate', 'absolute_error', cluster, hard + difference).add(1, 'candidate', 'loss_difference', cluster, difference);
    }
    const guard: Guard = { kind: 'quality', loss: 'absolute_error', minSamples: 200, maxIncrease: 0.1, segments: false };
    expect(only(guard, builder.evidence, { strategy: 'shadow' })).toMatchObject({ state: 'breached', difference: expect.closeTo(0.2, 1) as number });
    const compared = compare({ ...watching([guard]), strategy: 'shadow' }, builder.evidence, 'absolute_error')!;
    expect(compared.high - compared.low).toBeLessThan(0.05);
    expect(compared.candidate - compared.champion).toBeCloseTo(0.2, 1);
  });

  it('of p99 says so as long as the champion’s is not known, and holds to a maximum meanwhile', () => {
    const builder = new EvidenceBuilder();
    for (const [arm, latencyMs] of [['champion', 5], ['candidate', 80]] as const) for (let n = 0; n < 800; n++) builder.addToBin(1, arm, 'latencyMs', latencyMs * (1 + n / 1000));
    expect(only({ kind: 'p99_latency', minSamples: 500, maxRatio: 2 }, builder.evidence)).toMatchObject({ state: 'insufficient_data', says: expect.stringContaining('not known') as string });
    expect(only({ kind: 'p99_latency', minSamples: 500, maxMs: 50 }, builder.evidence)).toMatchObject({ state: 'breached', limit: 50 });
    for (let n = 0; n < 4000; n++) builder.addToBin(1, 'champion', 'latencyMs', 5 + (n % 5));
    expect(only({ kind: 'p99_latency', minSamples: 500, maxRatio: 2 }, builder.evidence).state).toBe('breached');
  });

  it('shares the tolerated rate with all others, and with the segments', () => {
    const segment = (name: string) => ({ name, entityRole: 'origin', entityIds: [name] });
    expect(alphaOfTest(watching([]))).toBe(0.05);
    expect(alphaOfTest(watching(STRICT))).toBeCloseTo(0.05 / 6, 12);
    expect(alphaOfTest({ ...watching(STRICT), segments: [segment('SFO'), segment('JFK')] })).toBeCloseTo(0.05 / 8, 12);
  });
});

describe('a verdict', () => {
  /** As jsonb gives an object back: its keys in another order. */
  const reordered = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reordered);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).toReversed().map(([key, inner]) => [key, reordered(inner)]));
  };
  const strategies = ['canary', 'ab', 'shadow', 'blue_green'] as const;

  it('is the same, bit for bit, from stored evidence, and survives JSON itself', () => {
    const spec = { ...watching(STRICT.map((guard) => ({ ...guard, minSamples: 20 }))), segments: [{ name: 'own', entityRole: 'origin', entityIds: ['SFO'] }] };
    fc.assert(
      fc.property(fc.nat(1e6), fc.constantFrom(...strategies), fc.double({ min: -2, max: 2, noNaN: true }), fc.nat(19), (seed, strategy, effect, until) => {
        const world = { ...EQUAL, perTick: 60, ticksPerStep: 5, keys: 100, shares: [0.1, 0.3, 0.5, 0.9], isSegment: (key: number) => key % 3 === 0, scoreShift: effect, latencyFactor: 2 ** effect, effect: () => effect / 4 };
        const evidence = [...rollout(world, seed)].filter((_, tick) => tick <= until).at(-1)!.evidence;
        const verdicts = judge({ ...spec, strategy }, evidence);
        expect(JSON.parse(JSON.stringify(verdicts))).toStrictEqual(verdicts);
        expect(replay({ ...spec, strategy }, JSON.parse(JSON.stringify(evidence)) as Evidence)).toStrictEqual(verdicts);
        expect(replay({ ...spec, strategy }, reordered(evidence) as Evidence)).toStrictEqual(judge({ ...spec, strategy }, evidence));
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});

describe('a comparison', () => {
  it('has an interval that is valid at every look around the narrower one that holds at a fixed end, and none from a handful of keys', () => {
    const found = compare(watching(STRICT), arms('wrong', [1000, 150], [2000, 200]).evidence, 'wrong')!;
    expect(found).toMatchObject({ difference: expect.closeTo(0.05, 9) as number, candidate: 0.15, champion: 0.1, samples: { candidate: 1000, champion: 2000 } });
    expect([found.low < found.fixedLow, found.fixedLow < found.difference, found.difference < found.fixedHigh, found.fixedHigh < found.high]).toEqual([true, true, true, true]);
    expect(compare(watching(STRICT), arms('wrong', [1000, 150], [2000, 200], 4).evidence, 'wrong')).toBeUndefined();
    expect(compare(watching(STRICT), { steps: [] }, 'wrong')).toBeUndefined();
  });
});

describe('better', () => {
  const quality: Guard = { kind: 'quality', loss: 'wrong', minSamples: 500, maxIncrease: 0.01, segments: false };

  it('is a candidate whose interval lies wholly on the better side, not one whose estimate does', () => {
    expect(isBetter(watching([quality]), arms('wrong', [4000, 200], [4000, 800]).evidence)).toBe(true);
    expect(isBetter(watching([quality]), arms('wrong', [4000, 195], [4000, 200]).evidence)).toBe(false);
    expect(isBetter(watching([quality]), arms('wrong', [400, 0], [400, 80]).evidence)).toBe(false);
    expect(isBetter(watching([]), arms('wrong', [4000, 200], [4000, 800]).evidence)).toBe(false);
  });

  it('is told at the fixed end of an A/B by the narrower interval that holds there', () => {
    const close = arms('wrong', [4000, 320], [4000, 400]).evidence;
    expect([isBetter(watching([quality], 'ab'), close), isBetter(watching([quality]), close)]).toEqual([true, false]);
  });
});
