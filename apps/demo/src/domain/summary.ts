import { alertPhrases, type Alert } from './alerts.js';
import type { Counts } from './replay-books.js';
import { count, figure, instant, percent, table } from './format.js';
import type { QualityReport } from './quality.js';
import type { SkewReport } from './skew.js';

/** Everything that the demo has counted. */
export interface SummaryFacts {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly seconds: number;
  /** The least share of its speed that the replay was slowed to, and why. */
  readonly slowest: { readonly share: number; readonly consumer: string } | undefined;
  readonly counts: Counts;
  readonly rejections: ReadonlyMap<string, number>;
  readonly inTheAir: number;
  readonly missing: Missing;
  readonly quality: QualityReport;
  readonly latencyMs: { readonly p50: number | undefined; readonly p99: number | undefined };
  readonly versions: readonly string[];
  readonly alerts: readonly Alert[];
  readonly runs: readonly { readonly status: string; readonly reason: string; readonly candidateVersion?: string | undefined }[];
  readonly runsUnderWay: number;
  readonly skew: SkewReport;
}

/** What had not come when the waiting ended. */
export interface Missing {
  readonly unanswered: number;
  readonly unjoined: number;
  readonly notInLedger: number;
}

export function summaryLines(facts: SummaryFacts): string[] {
  const { counts, quality, latencyMs, rejections } = facts;
  const reasons = [...rejections].map(([code, times]) => `${code} ${count(times)}`).join(', ');
  const rows: [string, string][] = [
    ['replayed', `${instant(facts.fromMs)} to ${instant(facts.untilMs)} in ${Math.round(facts.seconds)} s${slowedText(facts.slowest)}`],
    ['requests', `${count(counts.requests)} sent: ${count(counts.scored)} scored, ${count(counts.fallback)} by a fallback, ${count(counts.rejected)} rejected${reasons === '' ? '' : ` (${reasons})`}`],
    ['outcomes', `${count(counts.outcomes)} sent, ${count(counts.joined)} joined; ${count(facts.inTheAir)} flights are in the air, their predictions wait`],
    ['books', booksText(facts.missing)],
    ['model', `v${facts.versions.join(', v')}`],
    ['quality', `AUC ${figure(quality.auc)} over ${count(quality.count)} outcomes, ${percent(quality.baseRate * quality.count, quality.count)} of them late; Brier ${figure(quality.brier, 4)} against ${figure(quality.baseBrier, 4)} for always saying the base rate`],
    ['latency', `request to answer, between the brokers’ timestamps: p50 ${latencyMs.p50 ?? '–'} ms, p99 ${latencyMs.p99 ?? '–'} ms`],
    ...skewRows(facts.skew, (facts.untilMs - facts.fromMs) / 1000 / facts.seconds),
    ['alerts', facts.alerts.length === 0 ? 'none' : `${count(facts.alerts.length)}: ${alertPhrases(facts.alerts).join('; ')}`],
    ['retraining', retrainingText(facts)],
  ];
  return ['Summary', ...table(rows)];
}

const slowedText = (slowest: SummaryFacts['slowest']): string => (slowest === undefined ? '' : `; slowed to ${Math.round(slowest.share * 100)} % at worst, because ${slowest.consumer} fell behind`);

function booksText({ unanswered, unjoined, notInLedger }: Missing): string {
  if (unanswered + unjoined + notInLedger === 0) return 'balanced: every request answered and in the ledger, every outcome joined';
  return `NOT balanced: ${count(unanswered)} requests without an answer, ${count(unjoined)} outcomes not joined, ${count(notInLedger)} answers not in the ledger`;
}

function retrainingText({ runs, runsUnderWay }: SummaryFacts): string {
  const ended = runs.map(({ status, reason, candidateVersion }) => `${status}${candidateVersion === undefined ? '' : `, candidate v${candidateVersion}`}: ${reason}`);
  const all = [...ended, ...(runsUnderWay === 0 ? [] : [`${runsUnderWay} under way`])];
  return all.length === 0 ? 'no run' : all.join('; ');
}

/** Freshness and sameness are two things: a stream takes its time, but it must not compute anything else. */
function skewRows({ reads, known, identical, close, fromTheFuture, medianBehindSeconds = 0 }: SkewReport, eventSecondsPerSecond: number): [string, string][] {
  if (reads === 0) return [['features', 'none compared']];
  return [
    ['features', `${percent(known, reads)} of ${count(reads)} reads of an airport are values that the offline computation had too, to the last bit`],
    ['', `${percent(identical, reads)} are its very newest, ${percent(close, reads)} within tolerance of that; the stream’s median delay is ${count(medianBehindSeconds)} event seconds, ${figure(medianBehindSeconds / eventSecondsPerSecond, 2)} of the wall’s`],
    ...(fromTheFuture === 0 ? [] : [['', `${percent(fromTheFuture, reads)} were newer than the request, because it was scored late`] as [string, string]]),
  ];
}
