import type { JoinedPrediction } from './counting.js';
import type { JoinedOutcome } from './quality.js';
import { windowOf, type Span, type WindowLength } from './windows.js';

/** What was told of a prediction. The newest word holds. */
export interface Word extends JoinedPrediction {
  /** From 0; absent from ledgers before there were numbers. */
  readonly revision: number | undefined;
  /** It supersedes another one. */
  readonly correction: boolean;
  /** It says something about the champion. One that does not can only take back what an earlier one said. */
  readonly isCounted: boolean;
}

/** The word that holds of a prediction, as it is kept. */
export interface Held {
  readonly predictionId: string;
  readonly version: string;
  /** Of the window it belongs to, epoch milliseconds. */
  readonly startMs: number;
  readonly revision: number | undefined;
  /** What it has put into its window. `unknown`: it was counted before that was kept, or for another model. */
  readonly added: JoinedOutcome | 'nothing' | 'unknown';
}

/** What leaves and enters a window of a version. */
export interface Change {
  readonly window: Span;
  readonly version: string;
  readonly takeOut: Set<JoinedOutcome>;
  readonly putIn: Set<JoinedOutcome>;
}

export interface Settled {
  readonly changes: readonly Change[];
  /** To be kept from now on. */
  readonly held: readonly Held[];
  /** Their window is closed for good. */
  readonly late: number;
  /** Corrections that took out what was counted before them. */
  readonly corrected: number;
  /** Corrections of something that is not held: its window is closed for good, or it was never counted here. */
  readonly unheld: number;
}

/** Whether a word takes the place of another. Words without numbers come in the order in which they were told. */
function supersedes({ revision, correction }: Pick<Word, 'revision' | 'correction'>, held: Pick<Held, 'revision'>): boolean {
  return revision === undefined ? correction : revision > (held.revision ?? -1);
}

/**
 * What words on predictions change, whatever came before them in whatever order: what counts in the end is the last word on each, in the window of the instant at which
 * that became true, unless this window is closed for good.
 *
 * @param known what holds of these predictions
 * @param closedBeforeMs windows that begin earlier are closed for good
 */
export function settleWords(words: readonly Word[], known: ReadonlyMap<string, Held>, lengths: readonly WindowLength[], closedBeforeMs: number): Settled {
  const held = new Map(known);
  const changed = new Map<string, Held>();
  const changes = new Changes(lengths);
  let [late, corrected, unheld] = [0, 0, 0];
  for (const word of words) {
    const { predictionId, version, revision } = word;
    const before = held.get(predictionId);
    if (before !== undefined && !supersedes(word, before)) continue;
    if (word.correction && (before === undefined ? word.isCounted : before.added === 'unknown')) unheld += 1;
    if (before?.added === 'unknown') continue;
    if (before !== undefined && before.added !== 'nothing') {
      changes.takeOut(before.startMs, before.version, before.added);
      corrected += 1;
    }
    const { startMs } = windowOf(word.eventTimeMs, lengths);
    const isClosed = startMs < closedBeforeMs;
    if (isClosed && word.isCounted) late += 1;
    const isAdded = !isClosed && word.isCounted;
    // Of one whose window is closed nothing can be kept there; if something was held, that goes on knowing that it was overtaken.
    if (isClosed && before === undefined) continue;
    const added = isAdded ? outcomeOf(word) : 'nothing';
    if (added !== 'nothing') changes.putIn(startMs, version, added);
    const now: Held = { predictionId, version, revision, added, startMs: isAdded || before === undefined ? startMs : before.startMs };
    held.set(predictionId, now);
    changed.set(predictionId, now);
  }
  return { changes: changes.all(), held: [...changed.values()], late, corrected, unheld };
}

const outcomeOf = ({ score, outcome, correct, delaySeconds }: Word): JoinedOutcome => ({ score, outcome, correct, delaySeconds });

class Changes {
  private readonly byPlace = new Map<string, Change>();

  constructor(private readonly lengths: readonly WindowLength[]) {}

  putIn(startMs: number, version: string, outcome: JoinedOutcome): void {
    this.at(startMs, version).putIn.add(outcome);
  }

  takeOut(startMs: number, version: string, outcome: JoinedOutcome): void {
    const { putIn, takeOut } = this.at(startMs, version);
    if (!putIn.delete(outcome)) takeOut.add(outcome);
  }

  all(): Change[] {
    return [...this.byPlace.values()].filter(({ putIn, takeOut }) => putIn.size + takeOut.size > 0);
  }

  private at(startMs: number, version: string): Change {
    const key = `${startMs} ${version}`;
    const known = this.byPlace.get(key);
    if (known !== undefined) return known;
    const change = { window: windowOf(startMs, this.lengths), version, takeOut: new Set<JoinedOutcome>(), putIn: new Set<JoinedOutcome>() };
    this.byPlace.set(key, change);
    return change;
  }
}
