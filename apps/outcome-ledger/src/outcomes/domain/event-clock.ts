/** The newest event of a model, on both clocks; epoch milliseconds. */
export interface NewestEvent {
  /** Event time. */
  readonly occurredAtMs: number;
  /** Processing time of the same event. */
  readonly requestedAtMs: number;
}

/**
 * Now, on the clock of a model's events: its newest event time, going on at the pace of the wall since then, never beyond the wall's now. A
 * replay of old events thereby ages at the pace of the replay, and a model that nobody asks any more at the pace of the wall.
 */
export const eventNowMs = ({ occurredAtMs, requestedAtMs }: NewestEvent, wallNowMs: number): number =>
  Math.min(occurredAtMs + Math.max(0, wallNowMs - requestedAtMs), wallNowMs);
