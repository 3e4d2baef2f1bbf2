import { featureViewProblems, type FeatureScalar, type FeatureViewDefinition } from './definition.js';
import { CompiledView, EntityWindows, type CurrentValues, type EntityWindowsState, type Verdict } from './entity-windows.js';

/** Any event about an entity; `feature.observed` with its time in epoch milliseconds. */
export interface ObservedEvent {
  readonly event: string;
  readonly entityId: string;
  readonly values?: Readonly<Record<string, FeatureScalar>> | undefined;
  readonly occurredAtMs: number;
}

/**
 * A feature view at work on the entities it has seen: events in, values out. Pure and deterministic: the same events give the same
 * values in any order. Events are counted as they come; dropping duplicates is the caller's.
 *
 * Training must ask with `current` after every event up to the moment of the prediction, for that is what serving sees: the values
 * as published with the entity's newest event, and their age. `valuesAt` lets the windows run empty up to the moment asked for.
 */
export class WindowedAggregator {
  private readonly view: CompiledView;
  private readonly entities = new Map<string, EntityWindows>();

  /** @throws RangeError naming what is wrong with the definition */
  constructor(definition: FeatureViewDefinition) {
    const problems = featureViewProblems(definition);
    if (problems.length > 0) throw new RangeError(`feature view ${String(definition.name)}: ${problems.join('; ')}`);
    this.view = new CompiledView(definition);
  }

  get definition(): FeatureViewDefinition {
    return this.view.definition;
  }

  /** Entities held; each costs bounded memory, their number is the caller's to bound (`forget`). */
  get size(): number {
    return this.entities.size;
  }

  add({ event, entityId, values, occurredAtMs }: ObservedEvent): Verdict {
    if (!this.view.events.has(event)) return 'irrelevant';
    let windows = this.entities.get(entityId);
    if (windows === undefined) {
      windows = new EntityWindows(this.view);
      this.entities.set(entityId, windows);
    }
    return windows.add(event, values, occurredAtMs);
  }

  /** See `EntityWindows.current`; `undefined` for an entity without events. */
  current(entityId: string): CurrentValues | undefined {
    return this.entities.get(entityId)?.current();
  }

  /** See `EntityWindows.valuesAt`; for an entity without events the values of empty windows. */
  valuesAt(entityId: string, atMs: number): Record<string, FeatureScalar> {
    return this.entities.get(entityId)?.valuesAt(atMs) ?? this.view.emptyValues();
  }

  stateOf(entityId: string): EntityWindowsState | undefined {
    return this.entities.get(entityId)?.toState();
  }

  restore(entityId: string, state: EntityWindowsState): void {
    this.entities.set(entityId, new EntityWindows(this.view, state));
  }

  forget(entityId: string): void {
    this.entities.delete(entityId);
  }
}
