import { Inject, Injectable } from '@nestjs/common';
import { inTransaction, query } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import { settleWords, type Change, type Settled, type Word } from '../domain/corrections.js';
import { changeQuality, recountQuality, type QualityCounts } from '../domain/quality.js';
import { Baselines } from './baselines.js';
import { advanceWatermark } from './counted.js';
import { closedBefore, loadHeld, outcomesIn, saveHeld } from './held-outcomes.js';
import { addToWindow, dropIfEmpty } from './live-windows.js';

export type Counts = Pick<Settled, 'late' | 'corrected' | 'unheld'>;

/**
 * Counts the last word on each prediction into windows of event time. One transaction holds what is counted of each and the windows, so that a word that comes again, or
 * after one that supersedes it, has no effect.
 */
@Injectable()
export class OutcomeWindows {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(Baselines) private readonly baselines: Baselines,
  ) {}

  /** @returns what was late or a correction, by model */
  async count(words: readonly Word[]): Promise<Map<string, Counts>> {
    const counts = new Map<string, Counts>();
    for (const [model, group] of Map.groupBy(words, (one) => one.model)) {
      const announced = new Set<string>();
      for (const version of new Set(group.map((word) => word.version))) if ((await this.baselines.of(model, version)) !== undefined) announced.add(version);
      const known = group.map((word) => ({ ...word, isCounted: word.isCounted && announced.has(word.version) }));
      // What says nothing here and supersedes nothing is of no interest.
      const relevant = known.filter(({ isCounted, correction }) => isCounted || correction);
      if (relevant.length > 0) counts.set(model, await inTransaction(this.dataSource, (manager) => this.settle(manager, model, relevant)));
    }
    return counts;
  }

  private async settle(manager: EntityManager, model: string, words: readonly Word[]): Promise<Counts> {
    const lengths = await advanceWatermark(manager, 'quality', model, Math.max(...words.map(({ eventTimeMs }) => eventTimeMs)), this.baselines.monitoringOf(model).windowSeconds.quality * 1000);
    const held = await loadHeld(manager, model, words.map(({ predictionId }) => predictionId));
    const settled = settleWords(words, held, lengths, await closedBefore(manager, model));
    await saveHeld(manager, model, settled.held);
    for (const change of settled.changes) await this.apply(manager, model, change);
    const { late, corrected, unheld } = settled;
    if (late + corrected + unheld > 0) {
      await query(manager, `UPDATE watermark SET late = late + $2, corrected = corrected + $3, unheld = unheld + $4 WHERE kind = 'quality' AND model = $1`, [model, late, corrected, unheld]);
    }
    return { late, corrected, unheld };
  }

  private async apply(manager: EntityManager, model: string, { window, version, takeOut, putIn }: Change): Promise<void> {
    const isClassifier = (await this.baselines.of(model, version))!.isClassifier;
    const key = { kind: 'quality' as const, model, version, ...window };
    const size = { events: putIn.size - takeOut.size, amended: putIn.size + takeOut.size };
    await addToWindow<QualityCounts>(manager, key, size, async (before) => {
      const { counts, isExact } = changeQuality(before, takeOut, putIn, isClassifier);
      const all = isExact ? undefined : await outcomesIn(manager, model, version, window.startMs);
      return all === undefined ? counts : recountQuality(all, isClassifier);
    });
    if (takeOut.size > 0) await dropIfEmpty(manager, key);
  }
}
