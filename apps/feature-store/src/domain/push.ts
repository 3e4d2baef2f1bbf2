import { ContractError } from '@throughline/contracts';
import type { FeatureScalar } from '@throughline/features';
import type { EntityEvent } from './apply-events.js';

/** Feast's column of event times. */
export const EVENT_TIMESTAMP = 'event_timestamp';
const MAX_ROWS = 10_000;

/** A data frame as Feast's `/push` carries it: column name to values, all of one length. */
export type DataFrame = Readonly<Record<string, readonly unknown[]>>;

/**
 * The rows of a push as events: the push source is the name of the event, the column named like the entity's type says which entity,
 * `event_timestamp` when, and the other columns are the values. So a pushed row passes through the same windows as any event, and an
 * older row cannot overwrite a newer one.
 *
 * @param latestMs no row may claim to be later, epoch milliseconds: it would empty every window of its entity, for good
 * @throws ContractError `invalid_request` naming the column and row
 */
export function eventsOfPush(source: string, entityType: string, frame: DataFrame, latestMs: number): EntityEvent[] {
  const ids = columnOf(frame, entityType);
  const times = columnOf(frame, EVENT_TIMESTAMP);
  if (ids.length > MAX_ROWS) throw new ContractError('invalid_request', `df has ${ids.length} rows, at most ${MAX_ROWS} are taken at once`);
  const columns = Object.entries(frame).filter(([name]) => name !== entityType && name !== EVENT_TIMESTAMP);
  for (const [name, values] of Object.entries(frame)) {
    if (values.length !== ids.length) throw new ContractError('invalid_request', `df.${name} has ${values.length} rows, df.${entityType} has ${ids.length}`);
  }
  return ids.map((id, row) => ({
    event: source,
    entityType,
    entityId: entityIdOf(id, `df.${entityType}[${row}]`),
    occurredAtMs: instantOf(times[row], row, latestMs),
    values: Object.fromEntries(columns.map(([name, values]) => [name, scalarOf(values[row], `df.${name}[${row}]`)])),
  }));
}

/** An entity's id as text; Feast's clients also send integers. */
export function entityIdOf(id: unknown, where: string): string {
  const text = typeof id === 'number' && Number.isSafeInteger(id) ? String(id) : id;
  if (typeof text === 'string' && text.length >= 1 && text.length <= 200) return text;
  throw new ContractError('invalid_request', `${where} must be a text of 1 to 200 characters or an integer`);
}

function columnOf(frame: DataFrame, name: string): readonly unknown[] {
  const column = frame[name];
  if (Array.isArray(column) && column.length > 0) return column;
  throw new ContractError('invalid_request', `df needs the column ${name}`);
}

function instantOf(value: unknown, row: number, latestMs: number): number {
  const instantMs = typeof value === 'string' ? Date.parse(value) : NaN;
  if (Number.isNaN(instantMs)) throw new ContractError('invalid_request', `df.${EVENT_TIMESTAMP}[${row}] must be an RFC 3339 instant`);
  if (instantMs > latestMs) throw new ContractError('invalid_request', `df.${EVENT_TIMESTAMP}[${row}] lies in the future`);
  return instantMs;
}

function scalarOf(value: unknown, where: string): FeatureScalar {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value;
  throw new ContractError('invalid_request', `${where} must be a number, text, boolean or null`);
}
