import { EntityWindows, type CompiledView, type CurrentValues, type EntityWindowsState, type FeatureScalar } from '@throughline/features';

/** An observation about an entity, times in epoch milliseconds of event time. */
export interface EntityEvent {
  readonly entityType: string;
  readonly entityId: string;
  readonly event: string;
  readonly values?: Readonly<Record<string, FeatureScalar>> | undefined;
  readonly occurredAtMs: number;
}

/** One entity in one version of a view. */
export interface EntityKey {
  readonly view: string;
  readonly version: number;
  readonly entityId: string;
}

export interface EntityUpdate extends EntityKey {
  readonly entityType: string;
  readonly state: EntityWindowsState;
  readonly current: CurrentValues;
}

export interface Applied {
  /** One an entity and view, however many events: the values after the last of them. */
  readonly updates: readonly EntityUpdate[];
  /** Events that counted in at least one view. */
  readonly applied: number;
  /** Events older than all windows they could have counted in. */
  readonly late: number;
}

export const entityKeyText = ({ view, version, entityId }: EntityKey): string => `${view}@${version}|${entityId}`;

/** The views that aggregate such an event. */
export const viewsOf = (views: readonly CompiledView[], { entityType, event }: EntityEvent): CompiledView[] =>
  views.filter((view) => view.definition.entityType === entityType && view.events.has(event));

/** Which states the events need, sorted, so that everybody locks them in the same order. */
export function touchedEntities(views: readonly CompiledView[], events: readonly EntityEvent[]): EntityKey[] {
  const touched = new Map<string, EntityKey>();
  for (const event of events) {
    for (const { definition } of viewsOf(views, event)) {
      const key = { view: definition.name, version: definition.version, entityId: event.entityId };
      touched.set(entityKeyText(key), key);
    }
  }
  return [...touched.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key);
}

/**
 * Counts events into the windows of every view that asks for them.
 *
 * @param states by `entityKeyText`; what is absent has seen no event yet
 */
export function applyEvents(
  views: readonly CompiledView[],
  events: readonly EntityEvent[],
  states: ReadonlyMap<string, EntityWindowsState>,
): Applied {
  const changed = new Map<string, { view: CompiledView; entityId: string; windows: EntityWindows; counted: boolean }>();
  let applied = 0;
  let late = 0;
  for (const event of events) {
    let verdict: 'applied' | 'late' | undefined;
    for (const view of viewsOf(views, event)) {
      const { name, version } = view.definition;
      const key = entityKeyText({ view: name, version, entityId: event.entityId });
      let entity = changed.get(key);
      if (entity === undefined) {
        entity = { view, entityId: event.entityId, windows: new EntityWindows(view, states.get(key)), counted: false };
        changed.set(key, entity);
      }
      const counted = entity.windows.add(event.event, event.values, event.occurredAtMs) === 'counted';
      entity.counted ||= counted;
      verdict = counted ? 'applied' : (verdict ?? 'late');
    }
    if (verdict === 'applied') applied += 1;
    if (verdict === 'late') late += 1;
  }
  const updates = [...changed.values()].flatMap(({ view, entityId, windows, counted }): EntityUpdate[] => {
    const current = windows.current();
    if (!counted || current === undefined) return [];
    const { name, version, entityType } = view.definition;
    return [{ view: name, version, entityType, entityId, state: windows.toState(), current }];
  });
  return { updates, applied, late };
}
