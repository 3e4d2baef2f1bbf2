import type { Lookup, StoredValues } from '../domain/stored-features.js';
import { rowOf, type LiveRow, type RowGroup } from '../scoring/rows.js';
import type { LoadedModel } from '../serving/loaded-model.js';

/** A rejected row once more, for another version. */
export interface StandIn extends LiveRow {
  /** What its lookups want has not been asked for yet. */
  readonly needsStore: boolean;
}

/** Rejected rows as rows of a version that is to answer in their place, in the same order: each with its own features, stored ones as they were found. */
export function standIns(rows: readonly LiveRow[], model: LoadedModel): StandIn[] {
  const groups = new Map<RowGroup | undefined, RowGroup>();
  return rows.map((row) => {
    // Absent where no version was there to ask.
    const asked = row.group as RowGroup | undefined;
    let group = groups.get(asked);
    if (group === undefined) {
      group = { served: model, role: asked?.role ?? 'champion', revision: asked?.revision ?? 0, addressed: asked?.addressed ?? model, rows: [], open: 0 };
      groups.set(asked, group);
    }
    const carried = carriedOver(model.lookups, row.found, asked?.served.lookups ?? []);
    const standIn = Object.assign(rowOf({ request: row.request, rejection: undefined }, row.pickUp) as LiveRow, { group, found: carried, needsStore: carried === undefined && model.lookups.length > 0 });
    group.rows.push(standIn);
    group.open++;
    return standIn;
  });
}

/** What the version that was asked has found; `undefined` when it did not look for all that this one wants. */
function carriedOver(lookups: readonly Lookup[], found: LiveRow['found'], foundBy: readonly Lookup[]): (StoredValues | undefined)[] | undefined {
  if (found === undefined) return undefined;
  const at = lookups.map(({ keyPrefix, entityRole }) => foundBy.findIndex((one) => one.keyPrefix === keyPrefix && one.entityRole === entityRole));
  return at.includes(-1) ? undefined : at.map((index) => found[index]);
}
