import { Inject, Injectable } from '@nestjs/common';
import { inTransaction } from '@throughline/db';
import type { ProfileSet } from '@throughline/stats';
import { DataSource, type EntityManager } from 'typeorm';
import type { Baseline } from '../domain/baseline.js';
import { addAnswers, DATA, isOfChampion, type ScoredPrediction } from '../domain/counting.js';
import type { ServingCounts } from '../domain/serving.js';
import { byWindow, type Span } from '../domain/windows.js';
import { Baselines } from './baselines.js';
import { advanceWatermark, countLate, firstCopies } from './counted.js';
import { addToWindow, isClosed } from './live-windows.js';

/**
 * Counts predictions into windows of event time. One transaction holds the ids that were counted and the windows; so counting the same
 * prediction again, after a crash or as a copy, has no effect.
 */
@Injectable()
export class Monitor {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(Baselines) private readonly baselines: Baselines,
  ) {}

  /** How a model is served counts for all its answers, what it saw and said for the champion's own. */
  async countPredictions(predictions: readonly ScoredPrediction[]): Promise<void> {
    for (const [model, group] of Map.groupBy(predictions, (one) => one.model)) {
      if (!this.baselines.knows(model)) continue;
      const baselines = await this.baselinesOf(model, group);
      await this.count(model, group, async (manager, window, fresh) => {
        await addToWindow<ServingCounts>(manager, { kind: 'serving', model, version: '', ...window }, { events: fresh.length }, (counts) => addAnswers(counts, fresh));
        await this.addByVersion(manager, window, fresh.filter((one) => isOfChampion(one) && baselines.has(one.version)), baselines);
      });
    }
  }

  /** A version that was never announced has nothing to be held against, and is left out. */
  private async baselinesOf(model: string, items: readonly { readonly version: string }[]): Promise<Map<string, Baseline>> {
    const found = new Map<string, Baseline>();
    for (const version of new Set(items.map((one) => one.version))) {
      const baseline = await this.baselines.of(model, version);
      if (baseline !== undefined) found.set(version, baseline);
    }
    return found;
  }

  private count(model: string, items: readonly ScoredPrediction[], add: (manager: EntityManager, window: Span, fresh: readonly ScoredPrediction[]) => Promise<void>): Promise<void> {
    return inTransaction(this.dataSource, async (manager) => {
      const lengthMs = this.baselines.monitoringOf(model).windowSeconds.data * 1000;
      const lengths = await advanceWatermark(manager, 'data', model, Math.max(...items.map(({ eventTimeMs }) => eventTimeMs)), lengthMs);
      for (const { window, members } of byWindow(items, ({ eventTimeMs }) => eventTimeMs, lengths)) {
        const { startMs } = window;
        if (await isClosed(manager, 'data', model, startMs)) {
          await countLate(manager, 'data', model, members.length);
          continue;
        }
        const fresh = await firstCopies(manager, { stream: 'data', model, startMs }, members);
        if (fresh.length > 0) await add(manager, window, fresh);
      }
    });
  }

  private async addByVersion(manager: EntityManager, window: Span, items: readonly ScoredPrediction[], baselines: ReadonlyMap<string, Baseline>): Promise<void> {
    for (const [version, members] of Map.groupBy(items, (one) => one.version)) {
      const { model } = members[0]!;
      await addToWindow<ProfileSet>(manager, { kind: 'data', model, version, ...window }, { events: members.length }, (counts) => DATA.add(counts, members, baselines.get(version)!));
    }
  }
}
