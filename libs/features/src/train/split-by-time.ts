export interface TimeSplit<Row> {
  /** Rows before the cut, in order of event time. */
  train: Row[];
  /** Rows at the cut and after it, in order of event time. */
  heldOut: Row[];
  /** Event time of the first row held out, in epoch milliseconds. */
  cutMs: number;
}

/**
 * Holds out the latest rows: a model is judged on a time it has not seen, as it will be used. Rows of one instant stay
 * together, so that the held-out share can be a little larger than asked for.
 *
 * @param fraction share to hold out, between 0 and 1.
 * @throws RangeError when either side would be empty.
 */
export function splitByTime<Row>(rows: readonly Row[], eventTimeMs: (row: Row) => number, fraction: number): TimeSplit<Row> {
  if (!(fraction > 0 && fraction < 1)) throw new RangeError(`the held-out fraction must lie between 0 and 1, got ${fraction}`);
  const ordered = rows.toSorted((a, b) => eventTimeMs(a) - eventTimeMs(b));
  const firstHeldOut = ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * (1 - fraction)))];
  if (firstHeldOut === undefined) throw new RangeError('there are no rows to split');
  const cutMs = eventTimeMs(firstHeldOut);
  const cut = ordered.findIndex((row) => eventTimeMs(row) >= cutMs);
  if (cut === 0) throw new RangeError('no row is earlier than the cut: too few instants to split');
  return { train: ordered.slice(0, cut), heldOut: ordered.slice(cut), cutMs };
}
