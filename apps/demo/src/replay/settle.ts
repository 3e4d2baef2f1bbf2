import type { ReplayBooks } from '../domain/replay-books.js';
import type { Missing } from '../domain/summary.js';
import { eventually } from '../eventually.js';
import type { PlatformClient } from '../platform/platform-client.js';

export interface SettleOptions {
  readonly books: ReplayBooks;
  readonly platform: Pick<PlatformClient, 'bookStates'>;
  readonly withinMs: number;
  readonly onWaiting: (missing: Missing) => void;
  readonly signal: AbortSignal;
}

/**
 * Waits until every request is answered and every outcome that was sent is joined. What is joined is in the ledger; the answers whose
 * flights are in the air are looked up there.
 */
export async function settle({ books, platform, withinMs, onWaiting, signal }: SettleOptions): Promise<Missing> {
  let missing: Missing = { unanswered: 0, unjoined: 0, notInLedger: 0 };
  const isSettled = async (): Promise<boolean> => {
    const waiting = books.inTheAir();
    const states = await platform.bookStates(waiting);
    missing = { unanswered: books.unanswered().length, unjoined: books.unjoined().length, notInLedger: waiting.filter((id) => states[id] === undefined).length };
    onWaiting(missing);
    return missing.unanswered + missing.unjoined + missing.notInLedger === 0;
  };
  await eventually(isSettled, withinMs, signal);
  return missing;
}
