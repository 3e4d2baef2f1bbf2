import { assembleRow, isPackError, tensorRow, type FeatureScalar, type PackPlan } from '@throughline/features';
import { rejectPack } from '../domain/rejection.js';
import { storedRow, type Lookup } from '../domain/stored-features.js';
import type { FeatureCache, Wanted } from '../features/feature-cache.js';
import type { LiveRow, RowGroup } from './rows.js';

/** What some rows still wait for. */
export interface PendingFeatures {
  readonly rows: ReadonlySet<LiveRow>;
  /** Resolves when these rows are complete or rejected, too. */
  readonly complete: () => Promise<void>;
}

/** Completes the rows of all groups: the request's values, else the store's, else defaults, else a rejection. */
export async function fetchFeatures(cache: FeatureCache, groups: Iterable<RowGroup>): Promise<void> {
  await lookUpFeatures(cache, groups)?.complete();
}

/**
 * Completes what needs nothing from the feature store's process, so that it does not wait for what does.
 *
 * @returns the others, which need one read per view; `undefined` when there are none
 */
export function lookUpFeatures(cache: FeatureCache, groups: Iterable<RowGroup>): PendingFeatures | undefined {
  const missing = new Map<string, Wanted>();
  const open: { row: LiveRow; at: number; key: string }[] = [];
  const waiting = new Set<LiveRow>();
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
        waiting.add(row);
      }
    }
  }
  cache.reportLookups();
  for (const { served, rows } of groups) for (const row of rows) if (!waiting.has(row)) complete(row, served);
  if (missing.size === 0) return undefined;
  const loaded = cache.load(missing);
  return {
    rows: waiting,
    complete: async () => {
      const values = await loaded;
      for (const { row, at, key } of open) row.found![at] = values.get(key);
      for (const row of waiting) complete(row, row.group.served);
    },
  };
}

/** Completes rows with what their lookups have found already; asks nobody. */
export function completeFound(groups: Iterable<RowGroup>): void {
  for (const { served, addressed, rows } of groups) {
    for (const row of rows) {
      readTensors(row, addressed.plan, served.plan);
      complete(row, served);
    }
  }
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
