import type { ReplayBooks } from '../domain/replay-books.js';
import type { Missing } from '../domain/summary.js';
import { eventually } from '../eventually.js';
import type { LedgerStory } from '../domain/story.js';
import type { PlatformClient } from '../platform/platform-client.js';

export interface SettleOptions {
  readonly books: ReplayBooks;
  readonly platform: Pick<PlatformClient, 'bookStates' | 'story'>;
  readonly withinMs: number;
  readonly onWaiting: (missing: Missing) => void;
  readonly signal: AbortSignal;
}

const LOOK_UP_AFTER_MS = 5000;
const LOOK_UP_AT_MOST = 500;

/**
 * Waits until every request is answered and every outcome that was sent is joined. What is joined is in the ledger; the answers whose
 * flights are in the air are looked up there.
 */
export async function settle({ books, platform, withinMs, onWaiting, signal }: SettleOptions): Promise<Missing> {
  let missing: Missing = { unanswered: 0, unjoined: 0, notInLedger: 0 };
  const lookUpAtMs = performance.now() + LOOK_UP_AFTER_MS;
  const isSettled = async (): Promise<boolean> => {
    const waiting = books.inTheAir();
    const states = await platform.bookStates(waiting);
    missing = { unanswered: books.unanswered().length, unjoined: books.unjoined().length, notInLedger: waiting.filter((id) => states[id] === undefined).length };
    if (missing.unanswered + missing.unjoined + missing.notInLedger === 0) return true;
    onWaiting(missing);
    if (performance.now() > lookUpAtMs) await lookUp(books, platform);
    return false;
  };
  await eventually(isSettled, withinMs, signal);
  return missing;
}

/** An outcome that an earlier run had sent before it was killed was joined then, and is not announced again. */
async function lookUp(books: ReplayBooks, platform: SettleOptions['platform']): Promise<void> {
  for (const id of books.unjoined().slice(0, LOOK_UP_AT_MOST)) {
    const { outcome } = (await platform.story(id)) as LedgerStory;
    if (outcome !== null) books.joined(id);
  }
}
