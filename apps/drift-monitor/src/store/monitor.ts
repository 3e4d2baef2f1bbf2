import { Inject, Injectable } from '@nestjs/common';
import { encodeEvent, type AlertRaised, type EventData } from '@throughline/contracts';
import { inTransaction, Outbox, query } from '@throughline/db';
import { emptySetLike, observe, type ProfileSet } from '@throughline/stats';
import { counter, METRICS } from '@throughline/telemetry';
import { DataSource, type EntityManager } from 'typeorm';
import { v5 as uuidv5 } from 'uuid';
import { SETTINGS, type DriftMonitorSettings } from '../config.js';
import { alertOf } from '../domain/alert.js';
import { judgeData } from '../domain/data-drift.js';
import { beginningAlarms, type Judgement } from '../domain/judgement.js';
import { addQuality, countOutcome, judgeQuality, noOutcomes, type JoinedOutcome, type QualityCounts } from '../domain/quality.js';
import { byWindow, isDue, type WindowKey, type WindowKind } from '../domain/windows.js';
import { Baselines, type Baseline } from './baselines.js';
import { advanceWatermark, countLate, firstCopies, forgetCounted } from './counted.js';
import { addToWindow, historyBefore, isJudged, openWindowsUntil, saveJudgements } from './live-windows.js';

/** Namespace of alert ids; fixed, so that a replay raises the same alert. */
const ALERT_NAMESPACE = '0c9b7e52-5f0d-5d7f-8d4c-3f8b7f3f6a11';
const SOURCE = '/throughline/drift-monitor';

interface Counted {
  readonly predictionId: string;
  readonly model: string;
  readonly version: string;
  readonly eventTimeMs: number;
}
export interface ScoredPrediction extends Counted {
  readonly values: EventData<'prediction.scored.v1'>['features']['values'];
  readonly score: number | undefined;
}
export type JoinedPrediction = Counted & JoinedOutcome;

/** How one kind of window counts and judges. */
interface Counting<T extends Counted, C> {
  readonly kind: WindowKind;
  readonly add: (counts: C | undefined, items: readonly T[], baseline: Baseline) => C;
  readonly judge: (counts: C, baseline: Baseline) => Judgement[];
}

const DATA: Counting<ScoredPrediction, ProfileSet> = {
  kind: 'data',
  add: (counts, predictions, { profile, featureNames }) => {
    const window = counts ?? emptySetLike(profile ?? { rowCount: 0, features: {}, outputs: {} });
    for (const { values, score } of predictions) {
      window.rowCount += 1;
      for (const [index, name] of featureNames.entries()) if (window.features[name] !== undefined) observe(window.features[name], values[index]);
      if (window.outputs['score'] !== undefined) observe(window.outputs['score'], score);
    }
    return window;
  },
  judge: (window, { profile }) => (profile === undefined ? [] : judgeData(profile, window)),
};

const QUALITY: Counting<JoinedPrediction, QualityCounts> = {
  kind: 'quality',
  add: (counts, outcomes, { isClassifier }) => {
    const added = noOutcomes();
    for (const outcome of outcomes) countOutcome(added, outcome, isClassifier);
    return counts === undefined ? added : addQuality(counts, added);
  },
  judge: (counts, { metrics }) => judgeQuality(counts, metrics),
};

/**
 * Counts predictions and outcomes into windows of event time, and judges windows whose time has come. One transaction holds the ids that were
 * counted, the window, its verdict and the alerts to publish; so counting the same prediction again, after a crash or as a copy, has no effect.
 */
@Injectable()
export class Monitor {
  private readonly windowsCounter = counter(METRICS.driftWindows);
  private readonly alertsCounter = counter(METRICS.alerts);
  private readonly lengthMs: number;
  private readonly latenessMs: number;

  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(SETTINGS) settings: DriftMonitorSettings,
    @Inject(Baselines) private readonly baselines: Baselines,
  ) {
    this.lengthMs = settings.DRIFT_WINDOW_SECONDS * 1000;
    this.latenessMs = settings.DRIFT_LATENESS_SECONDS * 1000;
  }

  countPredictions(predictions: readonly ScoredPrediction[]): Promise<void> {
    return this.count(DATA, predictions);
  }

  countOutcomes(outcomes: readonly JoinedPrediction[]): Promise<void> {
    return this.count(QUALITY, outcomes);
  }

  private async count<T extends Counted, C>(counting: Counting<T, C>, items: readonly T[]): Promise<void> {
    for (const group of Map.groupBy(items, ({ model, version }) => `${model}\n${version}`).values()) {
      const { model, version } = group[0]!;
      const baseline = await this.baselines.of(model, version);
      // A version that was never announced has nothing to be held against.
      if (baseline === undefined) continue;
      const alerts = await inTransaction(this.dataSource, (manager) => this.countForVersion(manager, counting, group, baseline));
      for (const { kind, tier } of alerts) this.alertsCounter.add(1, { model, kind, tier });
    }
  }

  private async countForVersion<T extends Counted, C>(manager: EntityManager, counting: Counting<T, C>, items: readonly T[], baseline: Baseline): Promise<AlertRaised[]> {
    const { kind } = counting;
    const { model, version } = items[0]!;
    const watermarkMs = await advanceWatermark(manager, kind, model, version, Math.max(...items.map(({ eventTimeMs }) => eventTimeMs)));
    for (const [startMs, members] of byWindow(items, ({ eventTimeMs }) => eventTimeMs, this.lengthMs)) {
      const key: WindowKey = { kind, model, version, startMs };
      if (await isJudged(manager, key)) {
        await countLate(manager, kind, model, version, members.length);
        continue;
      }
      const fresh = await firstCopies(manager, key, members);
      if (fresh.length > 0) await addToWindow<C>(manager, key, this.lengthMs, fresh.length, (counts) => counting.add(counts, fresh, baseline));
    }
    const due = await openWindowsUntil<C>(manager, { kind, model, version }, watermarkMs - this.lengthMs - this.latenessMs);
    const alerts: AlertRaised[] = [];
    for (const window of due) {
      if (isDue(window.startMs, this.lengthMs, this.latenessMs, watermarkMs)) alerts.push(...(await this.judge(manager, window, counting.judge(window.counts, baseline))));
    }
    return alerts;
  }

  private async judge(manager: EntityManager, window: WindowKey, judgements: readonly Judgement[]): Promise<AlertRaised[]> {
    const beginning = beginningAlarms(judgements, await historyBefore(manager, window));
    await saveJudgements(manager, window, judgements);
    await forgetCounted(manager, window);
    for (const { verdict } of judgements) this.windowsCounter.add(1, { model: window.model, verdict });
    const nowMs = Date.now();
    const alerts = beginning.map((judgement) => alertOf({ window, lengthMs: this.lengthMs, judgement, nowMs, idOf: (identity) => uuidv5(identity, ALERT_NAMESPACE) }));
    for (const alert of alerts) {
      await query(manager, 'INSERT INTO alert (alert_id, model, raised_at, alert) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING', [alert.alertId, alert.model, alert.raisedAt, JSON.stringify(alert)]);
    }
    await Outbox.enqueue(manager, alerts.map((data) => ({ topic: 'alert.raised.v1' as const, key: data.model, ...encodeEvent('alert.raised.v1', { id: data.alertId, source: SOURCE, timeMs: nowMs, data }) })));
    return alerts;
  }
}
