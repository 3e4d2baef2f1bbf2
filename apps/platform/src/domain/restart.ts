/** How a process ended; `undefined` code: by a signal, or it could not be started. */
export interface Exit {
  readonly code: number | undefined;
  readonly signal?: string | undefined;
}

/** EX_CONFIG, by which a service says that starting it again cannot help. */
export const EXIT_CONFIGURATION = 78;

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 30_000;
/** A run this long was a good one: what ended it is a new story. */
const GOOD_RUN_MS = 60_000;

export type Decision = { readonly kind: 'restart'; readonly delayMs: number; readonly failuresInRow: number } | { readonly kind: 'give up' };

/**
 * What to do when a process that should run has ended: again, after a pause that doubles with every failure in a row (250 ms to
 * 30 s), or not at all.
 *
 * @param failuresInRow failures before this one, as the last decision counted them
 * @param ranMs how long it had run
 */
export function afterExit(exit: Exit, failuresInRow: number, ranMs: number): Decision {
  if (exit.code === EXIT_CONFIGURATION) return { kind: 'give up' };
  const failures = ranMs >= GOOD_RUN_MS ? 1 : failuresInRow + 1;
  return { kind: 'restart', delayMs: Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1)), failuresInRow: failures };
}

export const describeExit = ({ code, signal }: Exit): string =>
  signal ? `was ended by ${signal}` : code === undefined ? 'could not be started' : `ended with code ${code}`;
