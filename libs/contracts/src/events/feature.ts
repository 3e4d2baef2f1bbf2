import { Type, type Static } from '@sinclair/typebox';
import { FeatureValue, Instant, Name, Optional } from './common.js';

export const FeatureObserved = Type.Object(
  {
    entityType: Name('type of the entity, such as airport'),
    entityId: Name('the entity'),
    event: Name('what happened, such as flight_departed; views say which they aggregate'),
    values: Optional(Type.Record(Type.String(), FeatureValue)),
    occurredAt: Instant('event time'),
  },
  { description: 'A raw event about an entity.' },
);
export type FeatureObserved = Static<typeof FeatureObserved>;

export const FeatureUpdated = Type.Object(
  {
    view: Name('feature view'),
    viewVersion: Type.Integer({ minimum: 1 }),
    entityType: Name('type of the entity'),
    entityId: Name('the entity'),
    values: Type.Record(Type.String(), FeatureValue, { description: 'current values of the view’s features' }),
    eventTime: Instant('event time up to which the values hold'),
    sequence: Type.Integer({ minimum: 0, description: 'breaks ties of event time; only a newer pair replaces' }),
  },
  { description: 'Current values of a feature view for an entity (compacted).' },
);
export type FeatureUpdated = Static<typeof FeatureUpdated>;

/** Key of `feature.updated`, the same everywhere. */
export function featureKey(view: string, viewVersion: number, entityType: string, entityId: string): string {
  return `${view}@${viewVersion}|${entityType}|${entityId}`;
}
