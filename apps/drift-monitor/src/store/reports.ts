import { Inject, Injectable } from '@nestjs/common';
import type { AlertRaised, LatencyBudget } from '@throughline/contracts';
import { query } from '@throughline/db';
import type { ProfileSet } from '@throughline/stats';
import { DataSource } from 'typeorm';
import type { Judgement } from '../domain/judgement.js';
import type { Monitoring } from '../domain/monitoring.js';
import { addQuality, judgeQuality, noOutcomes, qualityOf, type Quality, type QualityCounts } from '../domain/quality.js';
import { addServing, fallbackShare, latencyOf, noAnswers, type Latency, type ServingCounts } from '../domain/serving.js';
import type { Stream, WindowKind } from '../domain/windows.js';
import { Baselines } from './baselines.js';

/** Windows in a report, newest first. */
const WINDOWS = 12;

interface WindowRow<C> {
  readonly version: string;
  readonly start_ms: string;
  readonly length_ms: string;
  readonly counts: C;
  readonly events: string;
  readonly judgements: Judgement[] | null;
  readonly amended: string;
}

export interface WindowReport {
  readonly version: string;
  readonly from: string;
  readonly to: string;
  /** Predictions or outcomes counted. */
  readonly events: number;
  readonly open: boolean;
  readonly judgements: readonly Judgement[];
}

export interface QualityWindowReport extends WindowReport {
  /** As it is now, corrections among it. */
  readonly quality: Quality;
  /** Outcomes put in or taken out since it was judged. */
  readonly amended: number;
  /** What the figures of now would be judged; only of windows that were amended. No alert follows from it. */
  readonly judgementsNow?: readonly Judgement[];
}

/** How a model was served in a window, whichever versions served it. */
export interface ServingReport extends Served {
  readonly from: string;
  readonly to: string;
  readonly open: boolean;
}

export interface Served {
  /** Share of the answers of the champion, or in its place, that a fallback gave: the champion's errors. Null without answers. */
  readonly fallbackShare: number | null;
  /** Their number, by kind. */
  readonly fallbacks: Readonly<Record<string, number>>;
  /** Of the answers that somebody waited for: the batch lane is left out. */
  readonly latency: Latency;
}

export interface Report extends Served {
  readonly model: string;
  /** In force for windows that begin from now on, and for the judgement of all. */
  readonly monitoring: Monitoring;
  /** The champion's own; those of fallbacks are no part of it. */
  readonly predictions: number;
  readonly outcomes: number;
  /** Share of the predictions whose outcome is known; the others are unknown, not negative. */
  readonly labelCoverage: number | null;
  /** Came after their window was judged; of outcomes: closed for good. */
  readonly late: { readonly predictions: number; readonly outcomes: number };
  /** Outcomes that were told anew: what was counted before was taken out (`applied`), or is not held any more, or never was (`unheld`). */
  readonly corrections: Corrections;
  readonly quality: Quality;
  readonly dataWindows: readonly WindowReport[];
  readonly qualityWindows: readonly QualityWindowReport[];
  readonly servingWindows: readonly ServingReport[];
}

export interface Corrections {
  readonly applied: number;
  readonly unheld: number;
}

@Injectable()
export class Reports {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource, @Inject(Baselines) private readonly baselines: Baselines) {}

  /** `undefined` when nothing of the model was ever announced. */
  async of(model: string): Promise<Report | undefined> {
    const [known] = await query(this.dataSource, 'SELECT 1 FROM baseline WHERE model = $1 LIMIT 1', [model]);
    if (known === undefined) return undefined;
    const [data, quality, serving, predictions, outcomes, { late, corrections }] = await Promise.all([
      this.windows<ProfileSet>('data', model), this.windows<QualityCounts>('quality', model), this.windows<ServingCounts>('serving', model), this.events('data', model), this.events('quality', model), this.leftOut(model),
    ]);
    const budget = this.baselines.budgetOf(model);
    return {
      model, monitoring: this.baselines.monitoringOf(model), predictions, outcomes, late, corrections,
      ...servedOf(serving.reduce((sum, { counts }) => addServing(sum, counts), noAnswers()), budget),
      labelCoverage: predictions === 0 ? null : Math.min(1, outcomes / predictions),
      quality: qualityOf(quality.reduce((sum, { counts }) => addQuality(sum, counts), noOutcomes())),
      dataWindows: data.map(toReport),
      qualityWindows: await Promise.all(quality.map((row) => this.qualityWindow(model, row))),
      servingWindows: serving.map((row) => ({ ...placeOf(row), ...servedOf(row.counts, budget) })),
    };
  }

  /** Newest first. */
  async alerts(model: string | undefined, limit: number): Promise<AlertRaised[]> {
    const rows = await query<{ alert: AlertRaised }>(
      this.dataSource, 'SELECT alert FROM alert WHERE $1::text IS NULL OR model = $1 ORDER BY raised_at DESC, alert_id LIMIT $2', [model ?? null, limit],
    );
    return rows.map(({ alert }) => alert);
  }

  private windows<C>(kind: WindowKind, model: string): Promise<WindowRow<C>[]> {
    return query<WindowRow<C>>(
      this.dataSource,
      `SELECT version, start_ms, length_ms, counts, events, judgements, amended FROM live_window WHERE kind = $1 AND model = $2 ORDER BY start_ms DESC LIMIT ${WINDOWS}`,
      [kind, model],
    );
  }

  private async events(kind: WindowKind, model: string): Promise<number> {
    const [row] = await query<{ events: string | null }>(this.dataSource, 'SELECT sum(events) AS events FROM live_window WHERE kind = $1 AND model = $2', [kind, model]);
    return Number(row?.events ?? 0);
  }

  private async qualityWindow(model: string, row: WindowRow<QualityCounts>): Promise<QualityWindowReport> {
    const amended = Number(row.amended);
    const baseline = amended === 0 ? undefined : await this.baselines.of(model, row.version);
    return {
      ...toReport(row), quality: qualityOf(row.counts), amended, ...(baseline && { judgementsNow: judgeQuality(row.counts, baseline.metrics, this.baselines.monitoringOf(model)) }),
    };
  }

  private async leftOut(model: string): Promise<Pick<Report, 'late' | 'corrections'>> {
    const rows = await query<{ kind: Stream; late: string; corrected: string; unheld: string }>(this.dataSource, 'SELECT kind, late, corrected, unheld FROM watermark WHERE model = $1', [model]);
    const of = (kind: Stream) => rows.find((row) => row.kind === kind);
    const quality = of('quality');
    return {
      late: { predictions: Number(of('data')?.late ?? 0), outcomes: Number(quality?.late ?? 0) },
      corrections: { applied: Number(quality?.corrected ?? 0), unheld: Number(quality?.unheld ?? 0) },
    };
  }
}

const placeOf = ({ start_ms, length_ms, judgements }: WindowRow<unknown>) => ({
  from: new Date(Number(start_ms)).toISOString(),
  to: new Date(Number(start_ms) + Number(length_ms)).toISOString(),
  open: judgements === null,
});

const toReport = (row: WindowRow<unknown>): WindowReport => ({ version: row.version, ...placeOf(row), events: Number(row.events), judgements: row.judgements ?? [] });

const servedOf = (counts: ServingCounts, budget: LatencyBudget): Served => ({ fallbackShare: fallbackShare(counts), fallbacks: counts.fallbacks, latency: latencyOf(counts, budget) });
