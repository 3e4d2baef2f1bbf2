import type { FeatureDefinition, FeatureScalar, FeatureViewDefinition } from './definition.js';
import { Series, type BucketState } from './series.js';

/** Serialisable state of one entity in one view: plain JSON. */
export interface EntityWindowsState {
  /** Event time of the newest event, epoch milliseconds. */
  readonly newestMs: number;
  readonly sequence: number;
  readonly series: readonly (readonly BucketState[])[];
}

export interface CurrentValues {
  readonly values: Record<string, FeatureScalar>;
  /** Event time up to which the values hold: that of the entity's newest event. Epoch milliseconds. */
  readonly eventTimeMs: number;
  /** Rises with every event that counted; breaks ties of event time. */
  readonly sequence: number;
}

/** `counted`, or why not: no feature of the view is about this event, or it is older than every window. */
export type Verdict = 'counted' | 'irrelevant' | 'too_late';

interface CompiledFeature {
  readonly definition: FeatureDefinition;
  readonly series: number;
}

/** A view made ready for execution: features that read the same events, field and window share one series. */
export class CompiledView {
  readonly features: readonly CompiledFeature[];
  readonly seriesDefinitions: readonly { readonly event: string; readonly field: string | undefined; readonly windowMs: number }[];
  readonly events: ReadonlySet<string>;

  constructor(readonly definition: FeatureViewDefinition) {
    const positions = new Map<string, number>();
    const seriesDefinitions: { event: string; field: string | undefined; windowMs: number }[] = [];
    this.features = definition.features.map((feature) => {
      const { event, field, windowSeconds } = feature;
      const key = JSON.stringify([event, field, windowSeconds]);
      let series = positions.get(key);
      if (series === undefined) {
        series = seriesDefinitions.push({ event, field, windowMs: windowSeconds * 1000 }) - 1;
        positions.set(key, series);
      }
      return { definition: feature, series };
    });
    this.seriesDefinitions = seriesDefinitions;
    this.events = new Set(seriesDefinitions.map(({ event }) => event));
  }

  /** The values of an entity without events. */
  emptyValues(): Record<string, FeatureScalar> {
    return new EntityWindows(this).valuesAt(0);
  }
}

/**
 * All windows of one entity in one view. Memory is bounded by the definition: at most `BUCKETS_PER_WINDOW` + 1 buckets a series,
 * whatever the rate of events. Late events count as long as a window that ends at the newest event still reaches them.
 */
export class EntityWindows {
  private readonly series: readonly Series[];
  private newestMs = -Infinity;
  private sequence = 0;

  constructor(
    private readonly view: CompiledView,
    state?: EntityWindowsState,
  ) {
    this.series = view.seriesDefinitions.map(({ field, windowMs }) => new Series(field, windowMs));
    if (state === undefined) return;
    this.newestMs = state.newestMs;
    this.sequence = state.sequence;
    this.series.forEach((series, index) => series.load(state.series[index] ?? []));
  }

  /** @param occurredAtMs event time, epoch milliseconds */
  add(event: string, values: Readonly<Record<string, FeatureScalar>> | undefined, occurredAtMs: number): Verdict {
    if (!this.view.events.has(event)) return 'irrelevant';
    if (occurredAtMs > this.newestMs) {
      this.newestMs = occurredAtMs;
      for (const series of this.series) series.evict(occurredAtMs);
    }
    let counted = false;
    this.series.forEach((series, index) => {
      if (this.view.seriesDefinitions[index]!.event !== event || !series.reaches(occurredAtMs, this.newestMs)) return;
      series.add(values, occurredAtMs);
      counted = true;
    });
    if (!counted) return 'too_late';
    this.sequence += 1;
    return 'counted';
  }

  /** The values as they stand at the entity's newest event: what the feature store publishes. `undefined` before any event. */
  current(): CurrentValues | undefined {
    if (this.newestMs === -Infinity) return undefined;
    return { values: this.valuesAt(this.newestMs), eventTimeMs: this.newestMs, sequence: this.sequence };
  }

  /**
   * The values of the windows that end at `atMs`. Before the newest event they are what is still kept, which may be less than
   * the whole window: ask in the order of time.
   */
  valuesAt(atMs: number): Record<string, FeatureScalar> {
    const values: Record<string, FeatureScalar> = {};
    for (const { definition, series } of this.view.features) {
      values[definition.name] = this.series[series]!.read(definition.aggregate, atMs) ?? definition.default ?? null;
    }
    return values;
  }

  toState(): EntityWindowsState {
    return { newestMs: this.newestMs, sequence: this.sequence, series: this.series.map((series) => series.toState()) };
  }
}
