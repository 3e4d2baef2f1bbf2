import { assembleRow, isPackError, tensorRow, type FeatureScalar, type PackPlan } from '@throughline/features';
import { rejectPack } from '../domain/rejection.js';
import { storedRow, type Lookup } from '../domain/stored-features.js';
import type { FeatureCache, Wanted } from '../features/feature-cache.js';
import type { LiveRow, RowGroup } from './rows.js';

/** Completes the rows of all groups: the request's values, else the store's, else defaults, else a rejection. One read per view for all misses. */
export async function fetchFeatures(cache: FeatureCache, groups: Iterable<RowGroup>): Promise<void> {
  const missing = new Map<string, Wanted>();
  const open: { row: LiveRow; at: number; key: string }[] = [];
  for (const { served, addressed, rows } of groups) {
    for (const row of rows) {
      readTensors(row, addressed.plan, served.plan);
      if (row.rejection !== undefined) continue;
      for (let at = 0; at < served.lookups.length; at++) {
        const lookup = served.lookups[at]!;
        const entityId = row.request.entities?.[lookup.entityRole];
        if (entityId === undefined || row.found?.[at] !== undefined || bringsAll(row, lookup, served)) continue;
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
  for (const { served, rows } of groups) for (const row of rows) complete(row, served);
}

/** A matrix means the columns of the version that the caller addressed; the version that answers may have others, or others first. */
function readTensors(row: LiveRow, addressed: PackPlan, served: PackPlan): void {
  const { tensors, row: index = 0 } = row.request;
  if (tensors === undefined) return;
  const positional = tensorRow(addressed, tensors, index);
  if (isPackError(positional)) row.rejection = rejectPack(positional);
  else row.positional = addressed === served ? positional : reordered(positional, addressed, served);
}

const reordered = (values: readonly (FeatureScalar | undefined)[], from: PackPlan, to: PackPlan): (FeatureScalar | undefined)[] =>
  to.features.map(({ name }) => values[from.indexOf.get(name) ?? -1]);

/** A request that brings every value of a lookup does not pay for it. */
function bringsAll({ request, positional }: LiveRow, { features }: Lookup, { plan }: RowGroup['served']): boolean {
  for (const { index } of features) {
    const value = positional === undefined ? request.features?.[plan.features[index]!.name] : positional[index];
    if (value === undefined || value === null) return false;
  }
  return true;
}

function complete(row: LiveRow, { plan, lookups }: RowGroup['served']): void {
  if (row.rejection !== undefined) return;
  const { positional, request, found } = row;
  const stored = found === undefined ? undefined : storedRow(lookups, found, plan.features.length, request.occurredAtMs);
  const assembled = assembleRow(plan, { named: request.features, positional, stored: stored?.values });
  if (isPackError(assembled)) {
    row.rejection = rejectPack(assembled);
    return;
  }
  row.assembled = assembled;
  row.ageSeconds = stored?.ageSeconds;
}
