import type { OnModuleDestroy } from '@nestjs/common';
import { METRICS, observableGauge } from '@throughline/telemetry';
import type { FeatureCache } from '../features/feature-cache.js';
import type { ModelFleet } from '../serving/model-fleet.js';
import type { Scheduler } from './scheduler.js';

/** What an operator wants to see grow before it hurts: rows that wait, entities held, revisions served. */
export class WorkerGauges implements OnModuleDestroy {
  private readonly stops: readonly (() => void)[];

  constructor(fleet: Pick<ModelFleet, 'models' | 'assignment'>, scheduler: Pick<Scheduler, 'waiting'>, cache: Pick<FeatureCache, 'size'>) {
    const assignments = () => fleet.models.flatMap((model) => fleet.assignment(model) ?? []);
    this.stops = [
      observableGauge(METRICS.queueRows, () => assignments().flatMap(({ versions }) => scheduler.waiting(versions.values()).map(({ rows, ...labels }) => ({ value: rows, labels })))),
      observableGauge(METRICS.featureCacheEntries, () => cache.size),
      observableGauge(METRICS.deploymentRevision, () => assignments().map(({ model, revision }) => ({ value: revision, labels: { model } }))),
    ];
  }

  onModuleDestroy(): void {
    for (const stop of this.stops) stop();
  }
}
