import type { Entity } from './domain/entity.js';

/** Collects parameters of a statement; `add` gives the place of one, such as `$3`. */
export class Parameters {
  readonly values: unknown[] = [];

  add(value: unknown, type = ''): string {
    this.values.push(value);
    return `$${this.values.length}${type === '' ? '' : `::${type}`}`;
  }
}

/** With more roles than this the index would be asked too often: every row is looked at instead. */
const MAX_ROLES = 200;

/**
 * The condition under which a row `p` of predictions or shadows is about the entity: what `concerns` says, for the indexes on entities and
 * routing keys.
 *
 * @param roles every role that rows have
 * @param isRoutingKeyMeant whether it may also be the row's routing key
 */
export function holds(entity: Pick<Entity, 'forms' | 'role'>, roles: readonly string[], parameters: Parameters, { isRoutingKeyMeant = true } = {}): string {
  const { forms, role } = entity;
  const texts = (): string => parameters.add(forms, 'text[]');
  const asked = role === undefined ? roles : [role];
  const inRole = asked.length > MAX_ROLES
    ? [`EXISTS (SELECT FROM jsonb_each_text(p.entities) e WHERE e.value = ANY(${texts()}))`]
    : asked.flatMap((one) => forms.map((form) => `p.entities @> ${parameters.add(JSON.stringify({ [one]: form }), 'jsonb')}`));
  const isOther = role === undefined || !isRoutingKeyMeant ? '' : ` AND NOT coalesce(p.entities ? ${parameters.add(role, 'text')}, false)`;
  const routed = isRoutingKeyMeant ? [`p.routing_key = ANY(${texts()})${isOther}`] : [];
  const either = [...inRole, ...routed];
  return either.length === 0 ? 'false' : `(${either.join(' OR ')})`;
}
