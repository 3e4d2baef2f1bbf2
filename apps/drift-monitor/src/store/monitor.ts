import { Inject, Injectable } from '@nestjs/common';
import { inTransaction } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import { SETTINGS, type DriftMonitorSettings } from '../config.js';
import type { Baseline } from '../domain/baseline.js';
import { DATA, QUALITY, type Counting, type JoinedPrediction, type ScoredPrediction } from '../domain/counting.js';
import { byWindow, type WindowKey } from '../domain/windows.js';
import { Baselines } from './baselines.js';
import { advanceWatermark, countLate, firstCopies } from './counted.js';
import { addToWindow, isClosed } from './live-windows.js';

/**
 * Counts predictions and outcomes into windows of event time. One transaction holds the ids that were counted and the windows; so counting the same
 * prediction again, after a crash or as a copy, has no effect.
 */
@Injectable()
export class Monitor {
  private readonly lengthMs: number;

  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(SETTINGS) settings: DriftMonitorSettings,
    @Inject(Baselines) private readonly baselines: Baselines,
  ) {
    this.lengthMs = settings.DRIFT_WINDOW_SECONDS * 1000;
  }

  countPredictions(predictions: readonly ScoredPrediction[]): Promise<void> {
    return this.count(DATA, predictions);
  }

  countOutcomes(outcomes: readonly JoinedPrediction[]): Promise<void> {
    return this.count(QUALITY, outcomes);
  }

  private async count<T extends ScoredPrediction | JoinedPrediction, C>(counting: Counting<T, C>, items: readonly T[]): Promise<void> {
    for (const group of Map.groupBy(items, ({ model, version }) => `${model}\n${version}`).values()) {
      const { model, version } = group[0]!;
      const baseline = await this.baselines.of(model, version);
      // A version that was never announced has nothing to be held against.
      if (baseline === undefined) continue;
      await inTransaction(this.dataSource, (manager) => this.countForVersion(manager, counting, group, baseline));
    }
  }

  private async countForVersion<T extends ScoredPrediction | JoinedPrediction, C>(
    manager: EntityManager, counting: Counting<T, C>, items: readonly T[], baseline: Baseline,
  ): Promise<void> {
    const { kind } = counting;
    const { model, version } = items[0]!;
    await advanceWatermark(manager, kind, model, Math.max(...items.map(({ eventTimeMs }) => eventTimeMs)));
    for (const [startMs, members] of byWindow(items, ({ eventTimeMs }) => eventTimeMs, this.lengthMs)) {
      const key: WindowKey = { kind, model, version, startMs };
      if (await isClosed(manager, key)) {
        await countLate(manager, kind, model, members.length);
        continue;
      }
      const fresh = await firstCopies(manager, key, members);
      if (fresh.length > 0) await addToWindow<C>(manager, key, this.lengthMs, fresh.length, (counts) => counting.add(counts, fresh, baseline));
    }
  }
}
