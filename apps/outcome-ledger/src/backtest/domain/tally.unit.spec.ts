import { describe, expect, it } from 'vitest';
import { declare } from '../../outcomes/domain/declaration.js';
import { stratumOf, type Arm } from './arms.js';
import type { JudgedRow } from './judged-row.js';
import { BacktestTally } from './tally.js';

/** Uniform numbers, the same in every run. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4_294_967_296;
  };
}

const reading = { task: 'binary_classification' as const, threshold: 0.5, declared: declare({ valueMicroUsd: { truePositive: 10, falsePositive: -4, falseNegative: -6 } }, 1) };
const read = (score: number) => ({ score, reading });

/** Steps of a canary that decides a little better than the champion, while the base rate rises from step to step. */
function canary(steps: readonly { share: number; baseRate: number }[], rowsAStep: number) {
  const random = seeded(7);
  const tally = new BacktestTally('value_micro_usd', '2');
  const truth = { champion: 0, challenger: 0, rows: 0 };
  steps.forEach(({ share, baseRate }, revision) => {
    const arms: Arm[] = [{ version: '1', role: 'champion', propensity: 1 - share }, { version: '2', role: 'challenger', propensity: share }];
    const stratum = stratumOf(arms, '2', true);
    for (let row = 0; row < rowsAStep; row++) {
      const isTrue = random() < baseRate;
      const scoreOf = (accuracy: number): number => (random() < accuracy === isTrue ? 0.9 : 0.1);
      const [own, other] = [scoreOf(0.75), scoreOf(0.7)];
      const isChallenger = random() < share;
      const decisions = new Map([['1', other >= 0.5], ['2', own >= 0.5]]);
      const valueOf = (decision: boolean): number => (decision ? (isTrue ? 10 : -4) : isTrue ? -6 : 0);
      truth.champion += valueOf(other >= 0.5);
      truth.challenger += valueOf(own >= 0.5);
      truth.rows++;
      const judged: JudgedRow = {
        cluster: Math.floor(random() * 512), revision, version: isChallenger ? '2' : '1', role: isChallenger ? 'challenger' : 'champion', isFallback: false, propensity: isChallenger ? share : 1 - share,
        served: read(isChallenger ? own : other), candidate: read(own), truth: isTrue, recordedValueMicroUsd: valueOf((isChallenger ? own : other) >= 0.5),
      };
      tally.add(judged, stratum, (version) => decisions.get(version));
    }
  });
  return { report: tally.report(), truth: { champion: truth.champion / truth.rows, challenger: truth.challenger / truth.rows } };
}

describe('a backtest over the steps of a canary, while the base rate rises', () => {
  const { report, truth } = canary([{ share: 0.05, baseRate: 0.1 }, { share: 0.25, baseRate: 0.3 }, { share: 0.6, baseRate: 0.6 }], 8_000);
  const real = truth.challenger - truth.champion;

  it('weighted by propensity the arms differ as they really do; pooled they do not', () => {
    const [comparison] = report.comparisons;
    expect(comparison).toMatchObject({ challenger: '2', champion: '1', difference: { status: 'ok' } });
    expect(comparison!.difference.low!).toBeLessThan(real);
    expect(comparison!.difference.high!).toBeGreaterThan(real);
    expect(Math.abs(comparison!.pooledDifference! - real)).toBeGreaterThan(3 * Math.abs(comparison!.difference.value! - real));
    expect(comparison!.pooledDifference!).toBeGreaterThan(comparison!.difference.high!);
  });

  it('the off-policy estimate of the candidate meets what it really would have earned, by fewer samples than there are', () => {
    const { offPolicy } = report.candidate;
    expect(offPolicy).toMatchObject({ status: 'ok', unknownPropensity: 0, supportedShare: 1 });
    expect(offPolicy.meanReward.low!).toBeLessThan(truth.challenger);
    expect(offPolicy.meanReward.high!).toBeGreaterThan(truth.challenger);
    expect(offPolicy.effectiveSamples).toBeLessThan(offPolicy.samples);
  });

  it('the paired estimate is as sure as it may be under its assumption', () => {
    const { ifIndependent, offPolicy } = report.candidate;
    expect(ifIndependent.meanReward).toBeCloseTo(truth.challenger, 9);
    expect(ifIndependent.difference.standardError!).toBeLessThan(offPolicy.meanReward.standardError!);
    expect(ifIndependent.difference.value).toBeCloseTo(ifIndependent.meanReward! - ifIndependent.servedMeanReward!, 9);
  });

  it('the arms have what they really earned', () => {
    expect(report.arms.map(({ version, role }) => [version, role]).sort()).toEqual([['1', 'champion'], ['2', 'challenger']]);
    expect(report.arms.reduce((sum, { predictions }) => sum + predictions, 0)).toBe(report.predictions);
    expect(report.arms.every(({ meanPropensity }) => meanPropensity! > 0 && meanPropensity! < 1)).toBe(true);
  });
});

it('a candidate that decides what nobody ever did is told to have partial support, however many answers there are', () => {
  const random = seeded(3);
  const tally = new BacktestTally('value_micro_usd', undefined);
  const stratum = stratumOf([{ version: '1', role: 'champion', propensity: undefined }], undefined, true);
  for (let row = 0; row < 5_000; row++) {
    const judged = { cluster: row % 512, revision: 1, version: '1', role: 'champion', isFallback: false, propensity: undefined, served: read(0.1), candidate: read(row % 2 === 0 ? 0.9 : 0.2), truth: random() < 0.3, recordedValueMicroUsd: undefined };
    tally.add(judged, stratum, () => undefined);
  }
  expect(tally.report().candidate.offPolicy).toMatchObject({ status: 'partial_support', supportedShare: 0.5, samples: 2_500 });
});

it('where one version decided everything, a candidate that would have decided one in 25 otherwise has partial support: its interval may miss what it would have earned', () => {
  const tally = new BacktestTally('correct', '2');
  const stratum = stratumOf([{ version: '1', role: 'champion', propensity: undefined }], '2', true);
  for (let row = 0; row < 5_000; row++) {
    const differs = row % 25 === 0;
    const judged = { cluster: row % 512, revision: 1, version: '1', role: 'champion', isFallback: false, propensity: undefined, served: read(0.1), candidate: read(differs ? 0.9 : 0.2), truth: false, recordedValueMicroUsd: undefined };
    tally.add(judged, stratum, () => undefined);
  }
  const { ifIndependent, offPolicy } = tally.report().candidate;
  expect(ifIndependent.meanReward).toBeCloseTo(0.96, 9);
  expect(offPolicy).toMatchObject({ status: 'partial_support', supportedShare: 0.96, meanReward: { value: 1 } });
});

it('too few answers are told to be too few, not to differ by nothing', () => {
  const { report } = canary([{ share: 0.1, baseRate: 0.3 }], 150);
  expect(report.comparisons[0]!.difference).toMatchObject({ status: 'insufficient_data', low: null, high: null });
  expect(report.candidate.offPolicy.status).toBe(report.candidate.offPolicy.effectiveSamples < 100 ? 'insufficient_data' : 'ok');
});

it('without outcomes nothing is known of rewards', () => {
  const tally = new BacktestTally('correct', '2');
  const judged = { cluster: 1, revision: 1, version: '1', role: 'champion', isFallback: false, propensity: undefined, served: read(0.7), candidate: read(0.2), truth: undefined, recordedValueMicroUsd: undefined };
  tally.add(judged, undefined, () => undefined);
  tally.add({ ...judged, candidate: 'feature_missing' }, undefined, () => undefined);
  expect(tally.report()).toMatchObject({
    predictions: 2, scored: 1, unscored: { feature_missing: 1 }, labelled: 0, arms: [{ predictions: 2, valueMicroUsd: null, meanReward: null }],
    candidate: { decisions: { agree: 0, differ: 1, newlyNegative: 1 }, quality: { accuracy: null, auc: null }, ifIndependent: { meanReward: null, difference: { status: 'insufficient_data' } }, offPolicy: { status: 'insufficient_data', supportedShare: null } },
  });
});
