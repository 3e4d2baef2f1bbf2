import { Inject, Injectable } from '@nestjs/common';
import { encodeEvent, type AlertRaised } from '@throughline/contracts';
import { inTransaction, Outbox, query } from '@throughline/db';
import type { ProfileSet } from '@throughline/stats';
import { DataSource, type EntityManager } from 'typeorm';
import { v5 as uuidv5 } from 'uuid';
import { SETTINGS, type DriftMonitorSettings } from '../config.js';
import { alertOf } from '../domain/alert.js';
import { DATA } from '../domain/counting.js';
import { beginningAlarms, muteAllBut, type Judgement } from '../domain/judgement.js';
import { judgeQuality, type QualityCounts } from '../domain/quality.js';
import type { Stream } from '../domain/windows.js';
import { Baselines } from './baselines.js';
import { forgetCounted, lockWatermark } from './counted.js';
import { closeForGood } from './held-outcomes.js';
import { amendedCounts, forgetAllBut, historyBefore, modelsWithDueWindows, openWindowsUntil, saveJudgements, type Progress, type StoredWindow } from './live-windows.js';

/** Namespace of alert ids; fixed, so that a replay raises the same alert. */
const ALERT_NAMESPACE = '0c9b7e52-5f0d-5d7f-8d4c-3f8b7f3f6a11';
const SOURCE = '/throughline/drift-monitor';
/** Five months of windows of a day. */
const KEPT_WINDOWS = 150;

export interface Judged {
  readonly window: StoredWindow<unknown>;
  readonly judgements: readonly Judgement[];
  readonly alerts: readonly AlertRaised[];
}

/** Judges windows. One transaction holds verdict, alerts and their messages, so that an alert is raised once, whoever judges and crashes when. */
@Injectable()
export class Judge {
  private readonly latenessMs: number;
  private readonly heldOutcomes: number;

  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(SETTINGS) settings: DriftMonitorSettings,
    @Inject(Baselines) private readonly baselines: Baselines,
  ) {
    this.latenessMs = settings.DRIFT_LATENESS_SECONDS * 1000;
    this.heldOutcomes = settings.DRIFT_CORRECTABLE_OUTCOMES;
  }

  /** Models with windows that are due. */
  dueOf(stream: Stream): Promise<Progress[]> {
    return modelsWithDueWindows(this.dataSource, stream, this.latenessMs);
  }

  /** Judges the windows of a model that were due when event time had come as far as `watermarkMs`, oldest first. */
  judgeDue(stream: Stream, { model, watermarkMs }: Progress): Promise<Judged[]> {
    return inTransaction(this.dataSource, async (manager) => {
      await lockWatermark(manager, stream, model);
      const due = await openWindowsUntil(manager, stream, model, watermarkMs - this.latenessMs);
      const results: Judged[] = [];
      for (const window of due) results.push(await this.judge(manager, window));
      await forgetAllBut(manager, stream, model, KEPT_WINDOWS);
      if (stream === 'quality') await closeForGood(manager, model, this.heldOutcomes);
      else for (const startMs of new Set(due.map((window) => window.startMs))) await forgetCounted(manager, { stream, model, startMs });
      return results;
    });
  }

  /** Those of the windows whose figures have changed since they were judged, or since they were last asked for, as they are now. */
  async amended<W extends StoredWindow<unknown>>(windows: readonly W[]): Promise<W[]> {
    const now = await amendedCounts(this.dataSource, windows);
    return windows.flatMap((window, index) => (now[index] === undefined ? [] : [{ ...window, ...now[index] }]));
  }

  private async judge(manager: EntityManager, window: StoredWindow<unknown>): Promise<Judged> {
    const judgements = await this.judgementsOn(window);
    const beginning = beginningAlarms(judgements, await historyBefore(manager, window));
    await saveJudgements(manager, window, judgements);
    const nowMs = Date.now();
    const alerts = beginning.map((judgement) => alertOf({ window, judgement, nowMs, idOf: (identity) => uuidv5(identity, ALERT_NAMESPACE) }));
    for (const alert of alerts) {
      await query(manager, 'INSERT INTO alert (alert_id, model, raised_at, alert) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING', [alert.alertId, alert.model, alert.raisedAt, JSON.stringify(alert)]);
    }
    await Outbox.enqueue(manager, alerts.map((data) => ({ topic: 'alert.raised.v1' as const, key: data.model, ...encodeEvent('alert.raised.v1', { id: data.alertId, source: SOURCE, timeMs: nowMs, data }) })));
    return { window, judgements, alerts };
  }

  private async judgementsOn({ kind, model, version, counts }: StoredWindow<unknown>): Promise<Judgement[]> {
    // Reported, not judged: what is slow shows in /metrics long before a window ends.
    if (kind === 'serving') return [];
    const baseline = await this.baselines.of(model, version);
    if (baseline === undefined) return [];
    // What is in force now, whatever was when the window began: only lengths cannot change under a window.
    const monitoring = this.baselines.monitoringOf(model);
    const judgements = kind === 'data' ? DATA.judge(counts as ProfileSet, baseline, monitoring) : judgeQuality(counts as QualityCounts, baseline.metrics, monitoring);
    return muteAllBut(monitoring.alarms, judgements);
  }
}
