import type { Place } from './places.js';

/**
 * Offsets of a partition are kept in pieces of this many: the worst a piece can be (every second offset) is 8,192 ranges, so that adding to a set with
 * a million holes costs what adding to one without costs.
 */
export const SEGMENT_OFFSETS = 16_384;

/** Offsets of one piece of a partition, as PostgreSQL writes an int8multirange. */
export interface Segment {
  readonly topic: string;
  readonly partition: number;
  readonly segment: number;
  readonly offsets: string;
}

/** Places as sets of offsets, each once, by partition and piece. */
export function segmentsOf(places: readonly Place[]): Segment[] {
  const groups = new Map<string, { readonly first: Place; readonly offsets: number[] }>();
  for (const place of places) {
    const key = `${place.topic}/${place.partition}/${Math.floor(place.offset / SEGMENT_OFFSETS)}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { first: place, offsets: [place.offset] });
    else known.offsets.push(place.offset);
  }
  return [...groups.values()].map(({ first: { topic, partition, offset }, offsets }) => ({ topic, partition, segment: Math.floor(offset / SEGMENT_OFFSETS), offsets: multirange(offsets) }));
}

/** `{[1,4),[7,8)}`: the numbers as half-open ranges, in order. */
export function multirange(offsets: readonly number[]): string {
  const ranges: string[] = [];
  let from: number | undefined;
  let to = 0;
  for (const offset of offsets.toSorted((a, b) => a - b)) {
    if (from !== undefined && offset <= to) {
      to = Math.max(to, offset + 1);
      continue;
    }
    if (from !== undefined) ranges.push(`[${from},${to})`);
    from = offset;
    to = offset + 1;
  }
  if (from !== undefined) ranges.push(`[${from},${to})`);
  return `{${ranges.join(',')}}`;
}
