import { intervalScale } from '../interval-scale.js';
import { isActive, type Bar, type Report, type Rollout, type RolloutDetail, type Verdict } from './resources.js';

const BAR_WIDTH = 24;
const HISTOGRAM_WIDTH = 40;
const HISTOGRAM_BARS = 20;
const DISAGREEMENTS = 10;

/** Where a rollout is: one block of lines, drawn anew at every look. */
export function progressLines(rollout: RolloutDetail, nowMs: number): string[] {
  return [headline(rollout), ...(isActive(rollout) ? stepLines(rollout, nowMs) : [`  ${rollout.conclusion ?? ''}`.trimEnd()]), ...verdictLines(rollout.verdicts)].filter((line) => line !== '');
}

/** The same in one line, for a log. */
export function progressLine(rollout: RolloutDetail): string {
  if (!isActive(rollout)) return `${headline(rollout)}${rollout.conclusion === undefined ? '' : `: ${rollout.conclusion}`}`;
  const worst = rollout.verdicts.find(({ state }) => state === 'breached');
  const needs = rollout.progress.missing.length === 0 ? '' : `, needs ${rollout.progress.missing.join(', ')}`;
  return `${headline(rollout)}${needs}${worst === undefined ? '' : `, ${worst.guard} breached`}`;
}

export function headline({ model, strategy, candidate, champion, status, step, steps, share }: Rollout): string {
  const where = step === 0 ? '' : `, step ${step} of ${steps.length}`;
  return `${model}: ${named(strategy)} of version ${candidate} against ${champion}: ${named(status)}${where}${strategy === 'shadow' || step === 0 ? '' : `, ${percent(share)} of the traffic`}`;
}

function stepLines({ step, steps, stepStartedAt, progress, breaches, consecutiveBreaches }: RolloutDetail, nowMs: number): string[] {
  const current = steps[step - 1];
  if (current === undefined) return [progress.waitingFor.length === 0 ? '  warming the candidate' : `  waiting for ${progress.waitingFor.join(', ')} to warm the candidate`];
  const seconds = (nowMs - Date.parse(stepStartedAt)) / 1000;
  return [
    minimum('time', seconds, current.minSeconds, 's'),
    minimum('predictions', progress.predictions, current.minPredictions, ''),
    minimum('outcomes', progress.outcomes, current.minOutcomes, ''),
    breaches === 0 ? '' : `  ${breaches} of ${consecutiveBreaches} evaluations in a row found a breach`,
  ];
}

/** How far something is towards its minimum; nothing where there is none. */
function minimum(what: string, value: number, atLeast: number, unit: string): string {
  if (atLeast <= 0) return '';
  const filled = Math.round(Math.min(1, value / atLeast) * BAR_WIDTH);
  return `  ${what.padEnd(12)} ${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${count(Math.floor(value))} of ${count(atLeast)} ${unit}`.trimEnd();
}

/** Guards with their intervals: `●` the difference, `━` its interval, `┃` the limit, `│` no difference. */
export function verdictLines(verdicts: readonly Verdict[]): string[] {
  const names = verdicts.map(({ guard, segment }) => (segment === undefined ? guard : `${guard} in ${segment}`));
  const width = Math.max(0, ...names.map((name) => name.length));
  return verdicts.map((verdict, index) => `  ${mark(verdict)} ${names[index]!.padEnd(width)}  ${intervalScale(verdict)}  ${figures(verdict)}`);
}

const MARKS: Readonly<Record<string, string>> = { ok: '✓', breached: '✗' };
const mark = ({ state }: Verdict): string => MARKS[state] ?? '…';

function figures({ state, difference, low, high, limit, samples }: Verdict): string {
  if (difference === undefined || state === 'insufficient_data') return `too little data yet: ${count(samples.candidate)} of the candidate, ${count(samples.champion)} of the champion`;
  const interval = low === undefined || high === undefined ? '' : ` (${signed(low)} to ${signed(high)})`;
  return `${signed(difference)}${interval}, limit ${short(limit)}`;
}

/** Bars lying on their side, with the bins' bounds; without the empty ones before the first and after the last, and of many bins so many together as fit a screen. */
export function histogramLines(histogram: readonly Bar[]): string[] {
  const first = histogram.findIndex((bar) => bar.count > 0);
  if (first === -1) return [];
  const bars = together(histogram.slice(first, histogram.findLastIndex((bar) => bar.count > 0) + 1));
  const most = Math.max(...bars.map((bar) => bar.count));
  const bounds = bars.map(({ from, to }) => `${short(from)} … ${short(to)}`);
  const width = Math.max(...bounds.map((bound) => bound.length));
  return bars.map((bar, index) => `  ${bounds[index]!.padStart(width)}  ${'█'.repeat(Math.ceil((bar.count / most) * HISTOGRAM_WIDTH)).padEnd(HISTOGRAM_WIDTH)} ${count(Math.round(bar.count))}`);
}

function together(bars: readonly Bar[]): Bar[] {
  const size = Math.ceil(bars.length / HISTOGRAM_BARS);
  return Array.from({ length: Math.ceil(bars.length / size) }, (_, index) => {
    const part = bars.slice(index * size, (index + 1) * size);
    return { from: part[0]!.from, to: part.at(-1)!.to, count: part.reduce((sum, bar) => sum + bar.count, 0) };
  });
}

/** What a rollout has shown. */
export function reportText(report: Report): string {
  const { arms: { champion, candidate }, agreement, scoreDifference, outcomes, disagreements } = report;
  const arm = (name: string, figuresOf: typeof champion): string =>
    `  ${name.padEnd(12)} ${count(figuresOf.answers)} answers, ${count(figuresOf.outcomes)} outcomes, errors ${share(figuresOf.errorShare)}, fallbacks ${share(figuresOf.fallbackShare)}${figuresOf.latencyMs === undefined ? '' : `, p50 ${short(figuresOf.latencyMs.p50)} ms, p99 ${short(figuresOf.latencyMs.p99)} ms`}${figuresOf.meanScore === undefined ? '' : `, mean score ${short(figuresOf.meanScore)}`}`;
  return [
    `${report.model}: ${named(report.strategy)} of version ${report.candidate} against ${report.champion}: ${named(report.status)}${report.conclusion === undefined ? '' : `: ${report.conclusion}`}`,
    arm('champion', champion),
    arm('candidate', candidate),
    ...section('guards (● difference, ━ interval valid at every look, ┃ limit)', verdictLines(report.verdicts)),
    ...section('outcomes, candidate minus champion', outcomes.map((one) => `  ${one.segment === undefined ? one.measure : `${one.measure} in ${one.segment}`}: ${signed(one.difference)} (${signed(one.low)} to ${signed(one.high)}), ${count(one.samples.candidate)} and ${count(one.samples.champion)} outcomes`)),
    ...(agreement === undefined ? [] : ['', `the same decision on ${percent(agreement.value)} of ${count(agreement.samples)} predictions`]),
    ...section(`score, candidate minus champion, of ${count(scoreDifference?.comparisons ?? 0)} predictions`, histogramLines(scoreDifference?.histogram ?? [])),
    ...section('largest disagreements (npx throughline trace ID)', disagreements.slice(0, DISAGREEMENTS).map((one) => `  ${one.predictionId}  ${short(one.championScore)} -> ${short(one.candidateScore)}`)),
  ].join('\n');
}

const section = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', title, ...lines]);
const named = (word: string): string => word.replaceAll('_', ' ');
const count = (value: number): string => value.toLocaleString('en-US');
const percent = (value: number): string => `${Number((value * 100).toPrecision(3))} %`;
const share = (value: number | undefined): string => (value === undefined ? 'unknown' : percent(value));
const short = (value: number): string => String(Number(value.toPrecision(3)));
const signed = (value: number): string => `${value > 0 ? '+' : ''}${short(value)}`;
