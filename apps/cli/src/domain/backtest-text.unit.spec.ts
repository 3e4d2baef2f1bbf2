import { expect, it } from 'vitest';
import { backtestText, type BacktestReport } from './backtest-text.js';

const quality = { labelled: 800, accuracy: 0.7, meanSquaredError: 0.2, auc: 0.75 };
const report: BacktestReport = {
  predictions: 1000, scored: 990, unscored: { feature_missing: 10, withheld: 0, erased: 0, model_failed: 0 }, labelled: 800, measure: 'value_micro_usd',
  arms: [
    { version: '1', role: 'champion', fallback: false, predictions: 900, labelled: 700, meanPropensity: 0.9, quality, valueMicroUsd: 2_000_000, meanReward: 2857 },
    { version: '2', role: 'challenger', fallback: false, predictions: 100, labelled: 100, meanPropensity: 0.1, quality, valueMicroUsd: null, meanReward: null },
  ],
  comparisons: [{ challenger: '2', champion: '1', effectiveSamples: { challenger: 80, champion: 690 }, weightedMean: { challenger: 30_000, champion: 20_000 }, difference: { status: 'insufficient_data', value: 10_000, low: null, high: null }, pooledDifference: 90_000 }],
  candidate: {
    decisions: { agree: 900, differ: 90, newlyPositive: 60, newlyNegative: 30 }, quality: { ...quality, accuracy: 0.72 }, servedQuality: quality,
    ifIndependent: { labelled: 790, meanReward: 40_000, servedMeanReward: 20_000, totalReward: 31_600_000, servedTotalReward: 15_800_000, difference: { status: 'ok', value: 20_000, low: 11_000, high: 29_000 } },
    offPolicy: { status: 'partial_support', meanReward: { status: 'ok', value: 35_000, low: 25_000, high: 45_000 }, servedMeanReward: 20_000, samples: 700, effectiveSamples: 650.4, supportedShare: 0.85, unknownPropensity: 3 },
  },
};
const plain = (rows: readonly (readonly (string | number)[])[], indent: string): string => rows.map((row) => `${indent}${row.join(' | ')}`).join('\n');

it('a report tells what really answered, what would have been done, and what is known of its worth with and without the assumption', () => {
  expect(backtestText(report, 'version 2', plain).split('\n')).toEqual([
    '1,000 predictions of the period, 800 with a known outcome; scored by version 2: 990 (not: 10 feature missing).', '',
    'What really answered (value a prediction, not weighted)', '  version | role | predictions | labelled | mean chance | right | AUC | value | mean',
    '  1 | champion | 900 | 700 | 90.0 % | 70.0 % | 0.7500 | $2.00 | $0.00286', '  2 | challenger | 100 | 100 | 10.0 % | 70.0 % | 0.7500 | ? | ?', '',
    'Arms that shared the traffic, each answer weighted by one over its chance', '   | challenger | champion | difference (95 %) | pooled would say | effective samples',
    '  2 against 1 | $0.03 | $0.02 | insufficient data ($0.01) | $0.09 | 80 / 690', '',
    'What version 2 would have done', '  decisions that differ | 90 of 990 (9.1 %): 60 become positive, 30 negative', '  right | 72.0 %, really 70.0 %', '  AUC | 0.7500, really 0.7500', '  mean squared error | 0.2000, really 0.2000', '',
    'If outcomes do not depend on decisions', '  in all         $31.60, really $15.80', '  a prediction   $0.04, really $0.02', '  difference     $0.02 ($0.011 to $0.029)', '                 ················│·····━━━━●━━━━━·  (│ none, ● this, ━ 95 %)', '',
    'Without that assumption, by the chances with which decisions were taken', '  a prediction   $0.035 ($0.025 to $0.045)', '  from           700 answers, worth 650 of equal weight',
    '  Partial support: only in 85.0 % of the requests what it would have done had any chance; the estimate is of these alone, not to be held against what was earned on all.', '  3 labelled predictions are left out: nobody can say with what chance they were decided so.',
  ]);
});

it('what is too little is told to be too little', () => {
  const { candidate } = report;
  const few = { ...report, candidate: { ...candidate, ifIndependent: { ...candidate.ifIndependent, labelled: 0 }, offPolicy: { ...candidate.offPolicy, status: 'insufficient_data' as const, samples: 3, effectiveSamples: 2.6, unknownPropensity: 0 } } };
  expect(backtestText(few, 'the rules', plain)).toContain('Nothing is known: no prediction that it scores has an outcome.');
  expect(backtestText(few, 'the rules', plain)).toContain('insufficient data: 3 answers, worth 3 of equal weight');
});

it('a period without predictions is told as one, with whose times are meant, instead of tables of nothing', () => {
  const text = backtestText({ ...report, predictions: 0 }, 'version 2', plain);
  expect(text).toContain('No prediction of the model was answered in that period');
  expect(text.split('\n')).toHaveLength(1);
});

it('a difference of shares is told in points, and an interval of arms is drawn', () => {
  const difference = { status: 'ok' as const, value: 0.03, low: -0.01, high: 0.07 };
  const lines = backtestText({ ...report, measure: 'correct', comparisons: [{ ...report.comparisons[0]!, difference }] }, 'version 2', plain).split('\n');
  expect(lines.find((line) => line.startsWith('  2 against 1 |'))).toContain('3.0 points (-1.0 points to 7.0 points)');
  expect(lines.find((line) => line.startsWith('  2 against 1  '))).toMatch(/·+━*│━*●━+·+/);
});
