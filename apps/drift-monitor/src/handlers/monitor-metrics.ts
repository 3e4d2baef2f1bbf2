import { counter, METRICS, observableGauge } from '@throughline/telemetry';
import { qualityOf, type QualityCounts } from '../domain/quality.js';
import { fallbackShare, latencyOf, type ServingCounts } from '../domain/serving.js';
import type { Judged } from '../store/judge.js';
import type { Counts } from '../store/outcome-windows.js';

const STATISTICS = ['ksDistance', 'psi', 'wasserstein', 'jensenShannon', 'missingShare', 'unseenShare'];
const MEASURES = ['auc', 'brier', 'logLoss', 'calibrationError', 'accuracy', 'meanAbsoluteError'] as const;

const windows = counter(METRICS.driftWindows);
const alertsRaised = counter(METRICS.alerts);
const corrections = counter(METRICS.driftCorrections);
const lateOutcomes = counter(METRICS.driftLateOutcomes);

/** The last judged window of each kind and model: one at a time, so that a replaced version leaves the dashboard. */
const latest = new Map<string, Judged>();

observableGauge(METRICS.driftStatistic, () =>
  [...latest.values()].flatMap(({ window: { kind, model, version }, judgements }) =>
    kind !== 'data' ? [] : judgements.flatMap(({ subject, evidence }) =>
      STATISTICS.flatMap((statistic) => (evidence[statistic] === undefined ? [] : [{ value: evidence[statistic], labels: { model, version, column: subject, statistic } }])))));

observableGauge(METRICS.modelQuality, () =>
  [...latest.values()].flatMap(({ window: { kind, model, version, counts } }) => {
    if (kind !== 'quality') return [];
    const quality = qualityOf(counts as QualityCounts);
    return MEASURES.flatMap((measure) => (quality[measure] === undefined ? [] : [{ value: quality[measure], labels: { model, version, measure } }]));
  }));

const latestServing = (): { model: string; counts: ServingCounts }[] =>
  [...latest.values()].flatMap(({ window: { kind, model, counts } }) => (kind === 'serving' ? [{ model, counts: counts as ServingCounts }] : []));

observableGauge(METRICS.fallbackShare, () =>
  latestServing().flatMap(({ model, counts }) => {
    const value = fallbackShare(counts);
    return value === null ? [] : [{ value, labels: { model } }];
  }));

observableGauge(METRICS.stageP99Seconds, () =>
  latestServing().flatMap(({ model, counts }) => latencyOf(counts, {}).stages.map(({ stage, p99Ms }) => ({ value: p99Ms / 1000, labels: { model, stage } }))));

/** The windows of outcomes that `throughline_model_quality` shows. */
export const shownQuality = (): Judged[] => [...latest.values()].filter(({ window: { kind } }) => kind === 'quality');

/** Shows what a window has become since it was judged. */
export const showAgain = (judged: Judged): void => void latest.set(`${judged.window.kind} ${judged.window.model}`, judged);

export function countCorrections(byModel: ReadonlyMap<string, Counts>): void {
  for (const [model, { corrected, unheld, late }] of byModel) {
    if (corrected > 0) corrections.add(corrected, { model, result: 'applied' });
    if (unheld > 0) corrections.add(unheld, { model, result: 'unheld' });
    if (late > 0) lateOutcomes.add(late, { model });
  }
}

export function countJudged(judged: Judged): void {
  const { window: { kind, model }, judgements, alerts } = judged;
  latest.set(`${kind} ${model}`, judged);
  for (const { verdict } of judgements) windows.add(1, { model, verdict });
  for (const alert of alerts) alertsRaised.add(1, { model, kind: alert.kind, tier: alert.tier });
}
