import { counter, METRICS, observableGauge } from '@throughline/telemetry';
import { qualityOf, type QualityCounts } from '../domain/quality.js';
import type { Judged } from '../store/judge.js';

const STATISTICS = ['ksDistance', 'psi', 'wasserstein', 'jensenShannon', 'missingShare', 'unseenShare'];
const MEASURES = ['auc', 'brier', 'logLoss', 'calibrationError', 'accuracy', 'meanAbsoluteError'] as const;

const windows = counter(METRICS.driftWindows);
const alertsRaised = counter(METRICS.alerts);

/** The last judged window of each kind and model: one at a time, so that a replaced version leaves the dashboard. */
const latest = new Map<string, Judged>();

observableGauge(METRICS.driftStatistic, () =>
  [...latest.values()].flatMap(({ window: { kind, model, version }, judgements }) =>
    kind === 'quality' ? [] : judgements.flatMap(({ subject, evidence }) =>
      STATISTICS.flatMap((statistic) => (evidence[statistic] === undefined ? [] : [{ value: evidence[statistic], labels: { model, version, column: subject, statistic } }])))));

observableGauge(METRICS.modelQuality, () =>
  [...latest.values()].flatMap(({ window: { kind, model, version, counts } }) => {
    if (kind !== 'quality') return [];
    const quality = qualityOf(counts as QualityCounts);
    return MEASURES.flatMap((measure) => (quality[measure] === undefined ? [] : [{ value: quality[measure], labels: { model, version, measure } }]));
  }));

export function countJudged(judged: Judged): void {
  const { window: { kind, model }, judgements, alerts } = judged;
  latest.set(`${kind} ${model}`, judged);
  for (const { verdict } of judgements) windows.add(1, { model, verdict });
  for (const alert of alerts) alertsRaised.add(1, { model, kind: alert.kind, tier: alert.tier });
}
