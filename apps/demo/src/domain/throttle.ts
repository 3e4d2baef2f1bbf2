/** A consumer of what the demo publishes: messages it has not finished, and how many a second it was given of late. */
export interface Backlog {
  readonly consumer: string;
  readonly messages: number;
  readonly messagesPerSecond: number;
}

export interface Throttle {
  /** Of the replay's speed, from 0 to 1. */
  readonly share: number;
  /** Who is behind, and by how much; absent while nobody is. */
  readonly behind?: { readonly consumer: string; readonly messages: number; readonly seconds: number } | undefined;
}

export const FULL_SPEED: Throttle = { share: 1 };

/** Offsets are committed five times a second and a consumer's batches come in gulps: less than this is no sign of anything. */
const TOLERATED_SECONDS = 1.5;
const STOP_SECONDS = 10;
const SLOWEST_SHARE = 0.05;
const SLOW_DOWN = 0.7;
const SPEED_UP = 1.15;
/** A trickle must not make a few messages look like a long queue. */
const MIN_MESSAGES_PER_SECOND = 200;

/**
 * How fast the replay may go on, asked about once a second: slower while a consumer is more than a second and a half behind, not at all beyond ten
 * seconds, and gradually faster again when all have caught up.
 */
export function throttleAfter(before: Throttle, backlogs: readonly Backlog[]): Throttle {
  const worst = backlogs.map(inSeconds).reduce((a, b) => (b.seconds > a.seconds ? b : a), { consumer: '', messages: 0, seconds: 0 });
  if (worst.seconds <= TOLERATED_SECONDS) return { share: Math.min(1, Math.max(before.share, SLOWEST_SHARE) * SPEED_UP) };
  const share = worst.seconds > STOP_SECONDS ? 0 : Math.max(SLOWEST_SHARE, before.share * SLOW_DOWN);
  return { share, behind: worst };
}

function inSeconds({ consumer, messages, messagesPerSecond }: Backlog): NonNullable<Throttle['behind']> {
  return { consumer, messages, seconds: messages / Math.max(messagesPerSecond, MIN_MESSAGES_PER_SECOND) };
}
