import { ContractError } from '@throughline/contracts';
import type { OnlineRequest } from '../domain/online-features.js';
import type { DataFrame } from '../domain/push.js';

/**
 * Reads the body of Feast's `/get-online-features`; fields that are not understood are passed over, as its clients send more with
 * every version. Ours are `as_of`, the moment that ages are relative to, for replays, and `include_outside_max_age`.
 *
 * @throws ContractError `invalid_request` naming the field
 */
export function readOnlineRequest(body: unknown, nowMs: number): OnlineRequest {
  const { features, entities, feature_service: service, full_feature_names: fullNames, as_of: asOf, include_outside_max_age: stale } = objectOf(body, 'the body');
  if (service !== undefined && service !== null) throw new ContractError('invalid_request', 'feature_service is not supported', { cure: 'Name the features: ["view:feature"].' });
  if (!Array.isArray(features) || features.length === 0 || !features.every((name) => typeof name === 'string')) {
    throw new ContractError('invalid_request', 'features must be a list of "view:feature"');
  }
  const asOfMs = readInstant(asOf, nowMs);
  return { features, entities: columnsOf(entities, 'entities'), fullFeatureNames: fullNames === true, asOfMs, includeOutsideMaxAge: stale === true };
}

export interface PushRequest {
  readonly source: string;
  readonly frame: DataFrame;
}

/** Reads the body of Feast's `/push`. @throws ContractError `invalid_request` naming the field */
export function readPushRequest(body: unknown): PushRequest {
  const { push_source_name: source, df, to } = objectOf(body, 'the body');
  if (typeof source !== 'string' || source === '') throw new ContractError('invalid_request', 'push_source_name must be a text');
  if (to !== undefined && to !== 'online' && to !== 'online_and_offline') throw new ContractError('invalid_request', 'to must be online: there is no offline store');
  return { source, frame: columnsOf(df, 'df') };
}

function readInstant(value: unknown, otherwiseMs: number): number {
  if (value === undefined || value === null) return otherwiseMs;
  const instantMs = typeof value === 'string' ? Date.parse(value) : NaN;
  if (Number.isNaN(instantMs)) throw new ContractError('invalid_request', 'as_of must be an RFC 3339 instant');
  return instantMs;
}

function columnsOf(value: unknown, where: string): Record<string, readonly unknown[]> {
  const columns = objectOf(value, where);
  const wrong = Object.entries(columns).find(([, column]) => !Array.isArray(column));
  if (wrong !== undefined) throw new ContractError('invalid_request', `${where}.${wrong[0]} must be a list`);
  return columns as Record<string, readonly unknown[]>;
}

function objectOf(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ContractError('invalid_request', `${where} must be an object`);
}
