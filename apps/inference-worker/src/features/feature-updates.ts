import type { Bus, RunningFollow } from '@throughline/bus';
import { METRICS, observableGauge, type Logger } from '@throughline/telemetry';
import type { FeatureCache } from './feature-cache.js';

/** Keeps the cache fresh from `feature.updated`, which every worker reads whole. */
export class FeatureUpdates {
  private following: RunningFollow | undefined;

  constructor(private readonly bus: Bus, private readonly logger: Logger) {
    observableGauge(METRICS.featureCacheLagMessages, () => this.lag);
  }

  async start(cache: FeatureCache): Promise<void> {
    this.following = await this.bus.follow({
      topic: 'feature.updated.v1',
      onEvent: ({ data }) => cache.apply(data),
      onUndecodable: ({ code, reason, message }) => this.logger.error({ code, reason, partition: message.partition, offset: message.offset }, 'a feature update cannot be read'),
    });
  }

  /** Updates published and not yet applied, as far as known. */
  get lag(): number {
    return this.following?.lag ?? 0;
  }
}
