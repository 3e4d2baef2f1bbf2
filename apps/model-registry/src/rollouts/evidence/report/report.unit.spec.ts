import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binEdges, binValue, logarithmicBin } from '../../domain/evidence.js';
import { Additions } from '../additions.js';
import type { StepContext } from '../context.js';
import { joinedWord, scoredAnswer, shadowedAnswer } from '../counting.js';
import { joined, scored, shadowed } from '../testing/events.js';
import { evidenceOf } from '../testing/in-memory-evidence.js';
import { ROLLOUT, SPEC } from '../testing/rollout-rows.js';
import { bars, quantile, shownRange } from './histograms.js';
import { toPage } from './page.js';
import { figuresOf } from './report.js';
import { toReport, type RolloutReport } from './rollout-report.js';
import { ticks } from './svg.js';

const spec = { ...SPEC, strategy: 'shadow' as const, steps: [SPEC.steps[0]!] };
const reading = { task: 'binary_classification' as const, threshold: 0.5 };
const context: StepContext = {
  rolloutId: ROLLOUT, step: 1, strategy: 'shadow', champion: '1', candidate: '2', readings: { champion: reading, candidate: reading }, loss: 'squared_error', segments: spec.segments, outcome: undefined,
};
const find = () => context;

/** A shadow whose scores are 0.1 higher than the champion's, of 300 cases with 10 requests each. */
function additions(): Additions {
  const found = new Additions();
  for (let n = 0; n < 3000; n++) {
    const score = 0.05 + (n % 80) / 100;
    const place = { routingKey: `case-${n % 300}`, entities: { origin: n % 3 === 0 ? 'ATL' : 'BOI' } };
    scoredAnswer(scored(`p${n}`, { ...place, score }), find)!.add(found);
    shadowedAnswer(shadowed(`p${n}`, { ...place, score: score + 0.1, answered: { version: '1', role: 'champion', score } }), find)!.add(found);
    for (const one of joinedWord(joined(`p${n}`, { ...place, score, outcome: n % 4 === 0, shadows: [{ version: '2', assignmentRevision: 2, score: score + 0.1 }] }), find).added) found.addOutcome(one);
  }
  return found;
}

const report = (over: { reason?: string; model?: string } = {}): RolloutReport => {
  const found = additions();
  const rollout = {
    id: ROLLOUT, model: over.model ?? 'flights', champion: 1, spec, base: { challengers: [], shadows: [] }, status: 'running' as const, step: 1, stepStartedAtMs: 0, startedAtMs: 0, breaches: 0,
    judgedSamples: 0, judgedAtMs: undefined, author: 'ada', reason: over.reason, endedAtMs: undefined, conclusion: undefined,
  };
  const reached = [{ step: 1, revision: 2, startedAt: new Date(1000) }];
  return toReport({ rollout, reached, evidence: evidenceOf(found), points: [], disagreements: found.disagreements.slice(0, 3) }, new Date(60_000));
};

describe('the report', () => {
  it('tells agreement, differences of scores and of outcomes with intervals that contain what is true', () => {
    const { agreement, scoreDifference, outcomes, arms } = report();
    const changed = Array.from({ length: 3000 }, (_, n) => n % 80).filter((n) => n >= 35 && n < 45).length / 3000;
    expect(agreement!.samples).toBe(3000);
    expect(agreement!.value).toBeCloseTo(1 - changed, 1);
    expect(agreement!.low).toBeLessThanOrEqual(agreement!.value);
    expect(agreement!.high).toBeGreaterThanOrEqual(agreement!.value);
    expect(scoreDifference).toMatchObject({ comparisons: 3000 });
    expect(scoreDifference!.mean!.value).toBeCloseTo(0.1, 6);
    expect(Math.abs(scoreDifference!.quantiles!.p50 - 0.1)).toBeLessThan(0.002);
    expect(outcomes.map(({ measure, segment }) => [measure, segment])).toEqual([['squared_error', undefined], ['squared_error', 'hubs']]);
    expect(outcomes[0]!.difference).toBeCloseTo(arms.candidate.meanLoss['squared_error']! - arms.champion.meanLoss['squared_error']!, 5);
    expect(outcomes[0]!.low).toBeLessThan(outcomes[0]!.difference);
  });

  it('of a rollout that has seen nothing says so, as figures and as a page', () => {
    const nothing = figuresOf(spec, { steps: [] });
    expect(nothing).toMatchObject({ agreement: undefined, scoreDifference: undefined, scores: undefined, outcomes: [], arms: { candidate: { answers: 0, errorShare: undefined } } });
    expect(nothing.verdicts.every(({ state }) => state === 'insufficient_data')).toBe(true);
    const page = toPage({ ...report(), ...nothing, steps: [], development: { measure: 'loss_difference', limit: undefined, points: [] }, disagreements: [] });
    expect(page).toContain('Nothing has been counted yet');
  });

  it('is a page that loads nothing, runs nothing, and takes nobody’s text for markup', () => {
    const page = toPage(report({ model: '<script>alert(1)</script>', reason: '"><img src=x onerror=alert(1)>' }));
    expect(page).not.toMatch(/<script|<img|<link|url\(|style="|onerror=alert\(1\)>/i);
    expect(page).toContain('&lt;script&gt;');
    expect(page.match(/<svg /g)).toHaveLength(2);
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe('bars', () => {
  const histogramOf = (values: readonly number[]): Record<string, number> => {
    const histogram: Record<string, number> = {};
    for (const value of values) histogram[logarithmicBin(value)] = (histogram[logarithmicBin(value)] ?? 0) + 1;
    return histogram;
  };
  const values = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 50 });

  it('hold everything once, whatever lies outside of the range included', () => {
    fc.assert(fc.property(values, fc.double({ min: -3, max: 0, noNaN: true }), fc.double({ min: 0.1, max: 3, noNaN: true }), (given, low, width) => {
      const all = bars(histogramOf(given), [low, low + width], 17);
      expect(all).toHaveLength(17);
      expect(all.reduce((sum, { count }) => sum + count, 0)).toBeCloseTo(given.length, 2);
    }));
  });

  it('of values that are all 0 are one bar, and no spread that nobody has seen', () => {
    const same = { 0: 900 };
    expect(bars(same, shownRange([same])!, 35).filter(({ count }) => count > 0)).toMatchObject([{ count: 900 }]);
  });

  it('come of bins whose edges hold their values, and quantiles are right to 2 %', () => {
    fc.assert(fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (value) => {
      const bin = logarithmicBin(value);
      const [low, high] = binEdges(bin);
      const slack = Math.abs(value) * 1e-9;
      expect(low - slack).toBeLessThanOrEqual(value);
      expect(high + slack).toBeGreaterThanOrEqual(value);
      expect(binValue(bin)).toBeGreaterThanOrEqual(low);
      expect(binValue(bin)).toBeLessThanOrEqual(high);
    }));
    expect(Math.abs(quantile(histogramOf(Array.from({ length: 1000 }, (_, n) => n + 1)), 0.99)! / 990 - 1)).toBeLessThan(0.02);
    expect(quantile({}, 0.5)).toBeUndefined();
  });
});

it('ticks of an axis are round and few', () => {
  expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticks(-0.013, 0.031, 5)).toEqual([-0.01, 0, 0.01, 0.02, 0.03]);
});
