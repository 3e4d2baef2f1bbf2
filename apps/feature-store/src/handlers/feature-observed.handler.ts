import { Controller, Inject } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { type Event } from '@throughline/contracts';
import { SETTINGS, type FeatureStoreSettings } from '../config.js';
import { FeatureWriter, type Observed } from '../store/feature-writer.js';

type FeatureObserved = Event<'feature.observed.v1'>;

@Controller()
export class FeatureObservedHandler {
  constructor(
    private readonly writer: FeatureWriter,
    @Inject(SETTINGS) private readonly settings: FeatureStoreSettings,
  ) {}

  @Consumes({ topic: 'feature.observed.v1', maxBatchSize: 1000 })
  async handle(batch: EventBatch<'feature.observed.v1'>): Promise<void> {
    const observed: Observed[] = [];
    for (const event of batch.events) {
      const occurredAtMs = Date.parse(event.data.occurredAt);
      const early = aheadSeconds(event, occurredAtMs);
      if (early > this.settings.FEATURES_MAX_FUTURE_SECONDS) {
        batch.deadLetter(event, 'schema_invalid', `data.occurredAt lies ${Math.round(early)} s after the message reached Kafka`);
        continue;
      }
      const { entityType, entityId, event: name, values } = event.data;
      const { source, id, topic, message } = event;
      observed.push({ entityType, entityId, event: name, values, occurredAtMs, source, id, topic, message });
    }
    if (observed.length > 0) await this.writer.applyBatch(batch.partition, observed);
  }
}

/** The one place where the clocks meet: nothing can have happened after it was told. */
const aheadSeconds = ({ message }: FeatureObserved, occurredAtMs: number): number => (occurredAtMs - message.timestampMs) / 1000;
