/** What a dead letter is looked for by. Times are epoch milliseconds. */
export interface LetterFacts {
  /** Place of the dead letter itself: topic/partition/offset. */
  readonly id: string;
  readonly atMs: number;
  readonly code: string;
  /** Consumer group that failed. */
  readonly group: string;
  /** Topic of the original. */
  readonly topic: string;
}

export interface LetterFilter {
  readonly ids?: ReadonlySet<string>;
  readonly topic?: string;
  readonly group?: string;
  readonly code?: string;
  /** Those from then on. */
  readonly sinceMs?: number;
}

/** Whether every condition that is given holds. */
export function matches({ id, atMs, code, group, topic }: LetterFacts, filter: LetterFilter): boolean {
  return (
    (filter.ids === undefined || filter.ids.has(id)) &&
    (filter.topic === undefined || filter.topic === topic) &&
    (filter.group === undefined || filter.group === group) &&
    (filter.code === undefined || filter.code === code) &&
    (filter.sinceMs === undefined || filter.sinceMs <= atMs)
  );
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * The moment that a person means: so long ago (`90s`, `30m`, `2h`, `7d`), or an RFC 3339 instant. Epoch milliseconds; `undefined` when it is
 * neither. A time without a zone is none: it would mean another moment on another machine.
 */
export function momentOf(text: string, nowMs: number): number | undefined {
  const ago = /^(\d+)([smhd])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * UNIT_MS[ago[2]!]!;
  const stampMs = /^\d{4}-\d\d-\d\d(T.+(Z|[+-]\d\d:\d\d))?$/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(stampMs) ? undefined : stampMs;
}
