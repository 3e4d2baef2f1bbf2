import { Inject, Injectable } from '@nestjs/common';
import { encodeEvent, featureKey, type Event } from '@throughline/contracts';
import { inTransaction, Outbox, type OutboxMessage } from '@throughline/db';
import { counter, METRICS } from '@throughline/telemetry';
import { DataSource, type EntityManager } from 'typeorm';
import { applyEvents, touchedEntities, viewsOf, type Applied, type EntityEvent, type EntityUpdate } from '../domain/apply-events.js';
import { notYetApplied, progressAfter } from '../domain/progress.js';
import { firstCopies, lockProgress, saveProgress } from './counted-once.js';
import { lockStates, saveStates } from './entity-states.js';
import { ViewStore } from './view-store.js';

const SOURCE = '/throughline/feature-store';

/** An event of `feature.observed` with what is needed to count it once. */
export type Observed = EntityEvent & Pick<Event<'feature.observed.v1'>, 'source' | 'id' | 'topic' | 'message'>;

/**
 * Counts events into windows. One transaction holds the partition's progress, the ids of the counted events, the states of the windows and
 * the updates to publish: either all of it happened or nothing.
 */
@Injectable()
export class FeatureWriter {
  private readonly eventsCounter = counter(METRICS.featureEvents);
  private readonly updatesCounter = counter(METRICS.featureUpdates);

  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(ViewStore) private readonly views: ViewStore,
  ) {}

  /**
   * Applies a batch of one partition, in its order. Applying any of it again has no effect.
   *
   * @throws ContractError `unavailable` when the database is not there
   */
  async applyBatch(partition: number, batch: readonly Observed[]): Promise<void> {
    const outcome = await inTransaction(this.dataSource, async (manager) => {
      const remaining = notYetApplied(await lockProgress(manager, partition), batch);
      if (remaining.length === 0) return { updates: [], applied: 0, late: 0, duplicates: batch.length };
      await saveProgress(manager, partition, progressAfter(remaining));
      const views = await this.views.allCompiled(manager);
      const wanted = remaining.filter((event) => viewsOf(views, event).length > 0);
      const fresh = await this.withoutCopies(manager, wanted);
      return { ...(await this.apply(manager, fresh)), duplicates: batch.length - remaining.length + wanted.length - fresh.length };
    });
    this.eventsCounter.add(outcome.duplicates, { result: 'duplicate' });
    this.count(outcome);
  }

  /** Applies events that did not come through Kafka: there is nothing they could be a second copy of. */
  async applyPush(events: readonly EntityEvent[]): Promise<Applied> {
    const outcome = await inTransaction(this.dataSource, (manager) => this.apply(manager, events));
    this.count(outcome);
    return outcome;
  }

  /** Without an envelope the id is the offset, and that has been looked at already. */
  private async withoutCopies(manager: EntityManager, events: readonly Observed[]): Promise<Observed[]> {
    const enveloped = events.filter(({ source, topic }) => source !== topic);
    const first = new Set(await firstCopies(manager, enveloped));
    return events.filter((event) => event.source === event.topic || first.has(event));
  }

  private async apply(manager: EntityManager, events: readonly EntityEvent[]): Promise<Applied> {
    const views = await this.views.allCompiled(manager);
    const states = await lockStates(manager, touchedEntities(views, events));
    const outcome = applyEvents(views, events, states);
    await saveStates(manager, outcome.updates);
    await Outbox.enqueue(manager, outcome.updates.map(updateMessage));
    return outcome;
  }

  private count({ updates, applied, late }: Applied): void {
    this.eventsCounter.add(applied, { result: 'applied' });
    this.eventsCounter.add(late, { result: 'late' });
    for (const { view } of updates) this.updatesCounter.add(1, { view });
  }
}

function updateMessage({ view, version, entityType, entityId, current }: EntityUpdate): OutboxMessage {
  const { values, eventTimeMs, sequence } = current;
  const key = featureKey(view, version, entityType, entityId);
  const data = { view, viewVersion: version, entityType, entityId, values, eventTime: new Date(eventTimeMs).toISOString(), sequence };
  return { topic: 'feature.updated.v1', key, ...encodeEvent('feature.updated.v1', { id: `${key}#${sequence}`, source: SOURCE, timeMs: eventTimeMs, data }) };
}
