import { featureKey, type FeatureUpdated } from '@throughline/contracts';
import { counter, METRICS, type Logger } from '@throughline/telemetry';
import { LRUCache } from 'lru-cache';
import { isNewer, type Lookup, type StoredValues } from '../domain/stored-features.js';
import type { FeatureStoreClient } from './feature-store-client.js';

export interface FeatureCacheOptions {
  readonly store: Pick<FeatureStoreClient, 'read'>;
  readonly maxEntries: number;
  /** True while `feature.updated` arrives late: what was held before is then read anew. */
  readonly isLagging: () => boolean;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

/** One lookup of one entity. */
export interface Wanted {
  readonly lookup: Lookup;
  readonly entityId: string;
}

interface Entry {
  /** `null`: the store does not know the entity. */
  stored: StoredValues | null;
  readAtMs: number;
}

/** What a read that is under way will be compared with: a push that overtook it. */
interface Pending {
  readonly done: Promise<unknown>;
  pushed: StoredValues | undefined;
}

/** While the topic lags, what was read from the store this recently still counts. */
const LAGGING_MAX_AGE_MS = 1_000;

/**
 * Stored features of the entities in use. Misses are read from the feature store, a batch at a time; `feature.updated` keeps fresh what is
 * held. An entry is replaced only by a newer pair of event time and sequence.
 */
export class FeatureCache {
  private readonly entries: LRUCache<string, Entry>;
  private readonly pending = new Map<string, Pending>();
  /** Features to read of each view: those of all models together, so that one entry serves them all. */
  private readonly featuresOfView = new Map<string, Set<string>>();
  private readonly lookups = counter(METRICS.featureCacheLookups);
  /** Key prefixes of the views that could not be read when they were asked last. */
  private readonly failingViews = new Set<string>();
  private readonly tally = { hit: 0, miss: 0, negative: 0, stale: 0 };

  constructor(private readonly options: FeatureCacheOptions) {
    this.entries = new LRUCache({ max: options.maxEntries });
  }

  get size(): number {
    return this.entries.size;
  }

  /** Announces the lookups of a model before it serves. */
  register(lookups: readonly Lookup[]): void {
    for (const { keyPrefix, features } of lookups) {
      const known = this.featuresOfView.get(keyPrefix) ?? new Set();
      const sizeBefore = known.size;
      for (const { feature } of features) known.add(feature);
      this.featuresOfView.set(keyPrefix, known);
      // Entries read for fewer features would look as if the new ones were absent.
      if (known.size > sizeBefore) this.entries.clear();
    }
  }

  /** The held values, `null` for an entity known to be absent, `undefined` when it must be read. */
  get(key: string): StoredValues | null | undefined {
    const entry = this.entries.get(key);
    const isStale = entry !== undefined && this.options.isLagging() && this.options.nowMs() - entry.readAtMs > LAGGING_MAX_AGE_MS;
    this.tally[entry === undefined ? 'miss' : isStale ? 'stale' : entry.stored === null ? 'negative' : 'hit']++;
    return isStale ? undefined : entry?.stored;
  }

  /** Hands the lookups since the last call to the metrics: once a batch, because once a lookup would cost more than the lookup. */
  reportLookups(): void {
    for (const result of ['hit', 'miss', 'negative', 'stale'] as const) {
      if (this.tally[result] > 0) this.lookups.add(this.tally[result], { result });
      this.tally[result] = 0;
    }
  }

  /** Reads what `get` did not have: one request per view. Never rejects; what cannot be read keeps its held value, if any. */
  async load(wanted: ReadonlyMap<string, Wanted>): Promise<Map<string, StoredValues | undefined>> {
    const found = new Map<string, StoredValues | undefined>();
    const byView = new Map<string, Map<string, Wanted>>();
    const underway = new Set<Promise<unknown>>();
    for (const [key, one] of wanted) {
      const pending = this.pending.get(key);
      if (pending !== undefined) underway.add(pending.done);
      else byView.set(one.lookup.keyPrefix, (byView.get(one.lookup.keyPrefix) ?? new Map()).set(key, one));
    }
    for (const [keyPrefix, ofView] of byView) underway.add(this.loadView(keyPrefix, ofView));
    await Promise.all(underway);
    for (const key of wanted.keys()) found.set(key, this.entries.peek(key)?.stored ?? undefined);
    return found;
  }

  /** An update from the topic: replaces what is held, if it is newer. */
  apply({ view, viewVersion, entityType, entityId, values, eventTime, sequence }: FeatureUpdated): void {
    const key = featureKey(view, viewVersion, entityType, entityId);
    const update: StoredValues = { values, eventTimeMs: Date.parse(eventTime), sequence };
    const pending = this.pending.get(key);
    if (pending !== undefined && (pending.pushed === undefined || isNewer(update, pending.pushed))) pending.pushed = update;
    const entry = this.entries.peek(key);
    if (entry !== undefined && (entry.stored === null || isNewer(update, entry.stored))) entry.stored = update;
  }

  private loadView(keyPrefix: string, wanted: ReadonlyMap<string, Wanted>): Promise<void> {
    const done = this.readView(keyPrefix, wanted).finally(() => {
      for (const key of wanted.keys()) this.pending.delete(key);
    });
    for (const key of wanted.keys()) this.pending.set(key, { done, pushed: undefined });
    return done;
  }

  private async readView(keyPrefix: string, wanted: ReadonlyMap<string, Wanted>): Promise<void> {
    const [{ lookup: { view, viewVersion, entityType } }] = wanted.values() as unknown as [Wanted];
    const features = [...(this.featuresOfView.get(keyPrefix) ?? [])];
    const entityIds = [...new Set([...wanted.values()].map(({ entityId }) => entityId))];
    try {
      const read = await this.options.store.read({ view, viewVersion, entityType, features, entityIds });
      // A model that was loaded meanwhile reads more of the view: without it the entry would say that there is nothing.
      if ((this.featuresOfView.get(keyPrefix)?.size ?? 0) > features.length) return await this.readView(keyPrefix, wanted);
      for (const [key, { entityId }] of wanted) this.store(key, read.get(entityId) ?? null);
      if (this.failingViews.delete(keyPrefix)) this.options.logger.info({ view, viewVersion }, 'stored features can be read again');
    } catch (error) {
      // Once an outage of a view, not once a batch.
      if (!this.failingViews.has(keyPrefix)) this.options.logger.warn({ view, viewVersion, reason: (error as Error).message }, 'stored features cannot be read; they count as missing');
      this.failingViews.add(keyPrefix);
    }
  }

  /** Keeps the newest of what was read, what was pushed meanwhile, and what is held. */
  private store(key: string, read: StoredValues | null): void {
    const candidates = [read, this.pending.get(key)?.pushed, this.entries.peek(key)?.stored];
    let stored: StoredValues | null = null;
    for (const candidate of candidates) if (candidate !== null && candidate !== undefined && (stored === null || isNewer(candidate, stored))) stored = candidate;
    this.entries.set(key, { stored, readAtMs: this.options.nowMs() });
  }
}
