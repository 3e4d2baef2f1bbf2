import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { query } from '@throughline/db';
import { LOGGER } from '@throughline/http';
import { METRICS, observableGauge, type Logger, type Observation } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import { SETTINGS, type FeatureStoreSettings } from '../config.js';
import { forgetSeen } from './counted-once.js';

const INTERVAL_MS = 60_000;

/** Every minute: forgets ids that have served their time, and counts entities for the metrics. */
@Injectable()
export class Janitor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private entities: Observation[] = [];
  private stopGauge = (): void => undefined;

  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(SETTINGS) private readonly settings: FeatureStoreSettings,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.stopGauge = observableGauge(METRICS.featureEntities, () => this.entities);
    this.timer = setInterval(() => (this.running = this.sweep()), INTERVAL_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopGauge();
    await this.running;
  }

  private async sweep(): Promise<void> {
    try {
      while ((await forgetSeen(this.dataSource, this.settings.FEATURES_DEDUPE_MINUTES)) > 0);
      const rows = await query<{ view: string; entities: number }>(this.dataSource, 'SELECT view, count(DISTINCT entity_id)::int AS entities FROM entity_state GROUP BY view');
      this.entities = rows.map(({ view, entities }) => ({ value: entities, labels: { view } }));
    } catch (error) {
      this.logger.warn({ reason: (error as Error).message }, 'the sweep has to wait for the next minute');
    }
  }
}
