import { intervalScale } from './interval-scale.js';
import { money } from './money-text.js';

export type Measure = 'value_micro_usd' | 'correct' | 'squared_error';

interface Estimate {
  readonly status: 'ok' | 'insufficient_data';
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

interface Quality {
  readonly labelled: number;
  readonly accuracy: number | null;
  readonly meanSquaredError: number | null;
  readonly auc: number | null;
}

/** A report of the ledger, as far as it is shown. */
export interface BacktestReport {
  readonly predictions: number;
  readonly scored: number;
  readonly unscored: Readonly<Record<string, number>>;
  readonly labelled: number;
  readonly measure: Measure;
  readonly arms: readonly { readonly version: string; readonly role: string; readonly fallback: boolean; readonly predictions: number; readonly labelled: number; readonly meanPropensity: number | null; readonly quality: Quality; readonly valueMicroUsd: number | null; readonly meanReward: number | null }[];
  readonly comparisons: readonly { readonly challenger: string; readonly champion: string; readonly effectiveSamples: { readonly challenger: number; readonly champion: number }; readonly weightedMean: { readonly challenger: number | null; readonly champion: number | null }; readonly difference: Estimate; readonly pooledDifference: number | null }[];
  readonly candidate: {
    readonly decisions: { readonly agree: number; readonly differ: number; readonly newlyPositive: number; readonly newlyNegative: number };
    readonly quality: Quality;
    readonly servedQuality: Quality;
    readonly ifIndependent: { readonly labelled: number; readonly meanReward: number | null; readonly servedMeanReward: number | null; readonly totalReward: number | null; readonly servedTotalReward: number | null; readonly difference: Estimate };
    readonly offPolicy: { readonly status: 'ok' | 'partial_support' | 'insufficient_data'; readonly meanReward: Estimate; readonly servedMeanReward: number | null; readonly samples: number; readonly effectiveSamples: number; readonly supportedShare: number | null; readonly unknownPropensity: number };
  };
}

const NAME_WIDTH = 14;

type Row = (string | number)[];
/** Lays rows out in columns. */
type Table = (rows: readonly Row[], indent: string) => string;

const MEASURES: Readonly<Record<Measure, string>> = { value_micro_usd: 'value', correct: 'share right', squared_error: 'squared error (less is better)' };

/** The whole report, for a person. */
export function backtestText(report: BacktestReport, candidate: string, table: Table): string {
  const { predictions, scored, unscored, labelled, measure } = report;
  if (predictions === 0) return 'No prediction of the model was answered in that period. --from and --to are event times: `npx throughline predictions list --model MODEL` shows the newest.';
  const left = Object.entries(unscored).filter(([, count]) => count > 0).map(([why, count]) => `${whole(count)} ${why.replaceAll('_', ' ')}`);
  return [
    `${whole(predictions)} predictions of the period, ${whole(labelled)} with a known outcome; scored by ${candidate}: ${whole(scored)}${left.length === 0 ? '' : ` (not: ${left.join(', ')})`}.`,
    '', `What really answered (${MEASURES[measure]} a prediction, not weighted)`, table(armRows(report), '  '),
    ...comparisonLines(report, table),
    '', `What ${candidate} would have done`, table(candidateRows(report), '  '),
    '', 'If outcomes do not depend on decisions', ...independentLines(report),
    '', 'Without that assumption, by the chances with which decisions were taken', ...offPolicyLines(report),
  ].join('\n');
}

function armRows({ arms, measure }: BacktestReport): Row[] {
  const rows = arms.map((arm): Row => [arm.version, arm.fallback ? `${arm.role} (fallback)` : arm.role, arm.predictions, arm.labelled, share(arm.meanPropensity), share(arm.quality.accuracy), decimal(arm.quality.auc), money(arm.valueMicroUsd), reward(arm.meanReward, measure)]);
  return [['version', 'role', 'predictions', 'labelled', 'mean chance', 'right', 'AUC', 'value', 'mean'], ...rows];
}

function comparisonLines({ comparisons, measure }: BacktestReport, table: Table): string[] {
  if (comparisons.length === 0) return [];
  const rows = comparisons.map(({ challenger, champion, weightedMean, effectiveSamples, difference, pooledDifference }): Row =>
    [`${challenger} against ${champion}`, reward(weightedMean.challenger, measure), reward(weightedMean.champion, measure), apart(difference, measure), differenceText(pooledDifference, measure), `${whole(effectiveSamples.challenger)} / ${whole(effectiveSamples.champion)}`]);
  return ['', 'Arms that shared the traffic, each answer weighted by one over its chance', table([['', 'challenger', 'champion', 'difference (95 %)', 'pooled would say', 'effective samples'], ...rows], '  '),
    ...comparisons.flatMap(({ challenger, champion, difference }) => scaleLine(`${challenger} against ${champion}`, difference))];
}

function candidateRows({ candidate: { decisions: { agree, differ, newlyPositive, newlyNegative }, quality, servedQuality } }: BacktestReport): Row[] {
  const decided = agree + differ;
  const rows: Row[] = decided === 0 ? [] : [['decisions that differ', `${whole(differ)} of ${whole(decided)} (${share(differ / decided)}): ${whole(newlyPositive)} become positive, ${whole(newlyNegative)} negative`]];
  const compare = (name: string, own: number | null, real: number | null, format: (value: number | null) => string): Row[] => (own === null ? [] : [[name, `${format(own)}, really ${format(real)}`]]);
  return [...rows, ...compare('right', quality.accuracy, servedQuality.accuracy, share), ...compare('AUC', quality.auc, servedQuality.auc, decimal), ...compare('mean squared error', quality.meanSquaredError, servedQuality.meanSquaredError, decimal)];
}

function independentLines({ measure, candidate: { ifIndependent: { labelled, meanReward, servedMeanReward, totalReward, servedTotalReward, difference } } }: BacktestReport): string[] {
  if (labelled === 0) return ['  Nothing is known: no prediction that it scores has an outcome.'];
  const total = measure === 'value_micro_usd' ? [`  in all         ${money(totalReward)}, really ${money(servedTotalReward)}`] : [];
  return [...total, `  a prediction   ${reward(meanReward, measure)}, really ${reward(servedMeanReward, measure)}`, `  difference     ${apart(difference, measure)}`, ...scaleLine('', difference)];
}

function offPolicyLines({ measure, candidate: { offPolicy } }: BacktestReport): string[] {
  const { status, meanReward, servedMeanReward, samples, effectiveSamples, supportedShare, unknownPropensity } = offPolicy;
  const unknown = unknownPropensity === 0 ? [] : [`  ${whole(unknownPropensity)} labelled predictions are left out: nobody can say with what chance they were decided so.`];
  const worth = `${whole(samples)} answers, worth ${whole(effectiveSamples)} of equal weight`;
  if (status === 'insufficient_data') return [`  insufficient data: ${worth}`, ...unknown];
  const support = status === 'ok' ? [] : [`  Partial support: only in ${share(supportedShare)} of the requests what it would have done had any chance; the estimate is of these alone, not to be held against what was earned on all.`];
  return [`  a prediction   ${interval(meanReward, measure)}${status === 'ok' ? `, really ${reward(servedMeanReward, measure)}` : ''}`, `  from           ${worth}`, ...support, ...unknown];
}

function interval({ status, value, low, high }: Estimate, measure: Measure): string {
  if (status !== 'ok') return value === null ? 'insufficient data' : `insufficient data (${reward(value, measure)})`;
  return `${reward(value, measure)} (${reward(low, measure)} to ${reward(high, measure)})`;
}

/** Of shares a difference is in points: 3 % more than 70 % might be 72.1 %. */
function apart({ status, value, low, high }: Estimate, measure: Measure): string {
  if (status !== 'ok') return value === null ? 'insufficient data' : `insufficient data (${differenceText(value, measure)})`;
  return `${differenceText(value, measure)} (${differenceText(low, measure)} to ${differenceText(high, measure)})`;
}

const differenceText = (value: number | null, measure: Measure): string => (value !== null && measure === 'correct' ? `${(100 * value).toFixed(1)} points` : reward(value, measure));

/** The difference and its interval on a line about `│`, none. */
function scaleLine(name: string, { status, value, low, high }: Estimate): string[] {
  return status !== 'ok' || value === null || low === null || high === null ? [] : [`  ${name.padEnd(NAME_WIDTH)} ${intervalScale({ difference: value, low, high })}  (│ none, ● this, ━ 95 %)`];
}

function reward(value: number | null, measure: Measure): string {
  if (value === null) return '?';
  return measure === 'value_micro_usd' ? money(value) : measure === 'correct' ? share(value) : decimal(value);
}

const share = (value: number | null): string => (value === null ? '-' : `${(100 * value).toFixed(1)} %`);
const decimal = (value: number | null): string => (value === null ? '-' : value.toPrecision(4));
const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
