import { assembleRow, isPackError, tensorRow, type FeatureScalar } from '@throughline/features';
import { rejectPack } from '../domain/rejection.js';
import type { ScoringRequest } from '../domain/scoring-request.js';
import { storedRow, type Lookup } from '../domain/stored-features.js';
import type { FeatureCache, Wanted } from '../features/feature-cache.js';
import type { LiveRow, RowGroup } from './rows.js';

/** What the request itself brings, by name or in the order of the features. */
interface Given {
  readonly named: ScoringRequest['features'];
  readonly positional: (FeatureScalar | undefined)[] | undefined;
}

/** Completes the rows of all groups: the request's values, else the store's, else defaults, else a rejection. One read per view for all misses. */
export async function fetchFeatures(cache: FeatureCache, groups: Iterable<RowGroup>): Promise<void> {
  const missing = new Map<string, Wanted>();
  const open: { row: LiveRow; at: number; key: string }[] = [];
  const given = new Map<LiveRow, Given>();
  for (const { served, rows } of groups) {
    for (const row of rows) {
      const brought = givenBy(row, served);
      if (brought === undefined) continue;
      given.set(row, brought);
      for (let at = 0; at < served.lookups.length; at++) {
        const lookup = served.lookups[at]!;
        const entityId = row.request.entities?.[lookup.entityRole];
        if (entityId === undefined || bringsAll(brought, lookup, served)) continue;
        const key = lookup.keyPrefix + entityId;
        const held = cache.get(key);
        (row.found ??= new Array(served.lookups.length).fill(undefined))[at] = held ?? undefined;
        if (held !== undefined) continue;
        missing.set(key, { lookup, entityId });
        open.push({ row, at, key });
      }
    }
  }
  if (missing.size > 0) {
    const loaded = await cache.load(missing);
    for (const { row, at, key } of open) row.found![at] = loaded.get(key);
  }
  cache.reportLookups();
  for (const { served, rows } of groups) for (const row of rows) complete(row, served, given.get(row));
}

function givenBy(row: LiveRow, { plan }: RowGroup['served']): Given | undefined {
  const { features: named, tensors, row: index = 0 } = row.request;
  if (tensors === undefined) return { named, positional: undefined };
  const positional = tensorRow(plan, tensors, index);
  if (!isPackError(positional)) return { named: undefined, positional };
  row.rejection = rejectPack(positional);
  return undefined;
}

/** A request that brings every value of a lookup does not pay for it. */
function bringsAll({ named, positional }: Given, { features }: Lookup, { plan }: RowGroup['served']): boolean {
  for (const { index } of features) {
    const value = positional === undefined ? named?.[plan.features[index]!.name] : positional[index];
    if (value === undefined || value === null) return false;
  }
  return true;
}

function complete(row: LiveRow, { plan, lookups }: RowGroup['served'], given: Given | undefined): void {
  if (given === undefined) return;
  const stored = row.found === undefined ? undefined : storedRow(lookups, row.found, plan.features.length, row.request.occurredAtMs);
  const assembled = assembleRow(plan, { ...given, stored: stored?.values });
  if (isPackError(assembled)) {
    row.rejection = rejectPack(assembled);
    return;
  }
  row.assembled = assembled;
  row.ageSeconds = stored?.ageSeconds;
}
