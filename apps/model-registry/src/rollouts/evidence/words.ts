import type { Arm, Measure } from '../domain/evidence.js';

/** Where an outcome counts: a prediction counts once for each rollout and stream. */
interface Place {
  readonly stream: 'answer' | 'shadow';
  readonly rolloutId: string;
}

/** What an outcome adds to a step of a rollout, by measure. */
export interface Contribution extends Place {
  readonly step: number;
  readonly arm: Arm;
  readonly cluster: number;
  readonly amounts: Readonly<Record<Measure, number>>;
}

/** Counted before what was added was kept: only the outcome is known, of text not even that. */
export interface Unkept extends Place {
  readonly outcome: number | undefined;
}

/** What was told of a prediction. The last word holds. */
export interface Word {
  readonly predictionId: string;
  /** From 0, the highest is the last; absent from ledgers before there were numbers. */
  readonly revision: number | undefined;
  /** It supersedes another one. */
  readonly correction: boolean;
  /** Nothing where it judges no version of a rollout; then it can only take back what an earlier one added. */
  readonly added: readonly Contribution[];
  /** What it would add with another outcome. */
  readonly saying: (outcome: number) => readonly Contribution[];
}

/** The last word on a prediction, as it is kept. */
export interface Held {
  readonly revision: number | undefined;
  readonly added: readonly (Contribution | Unkept)[];
}

export interface Settled {
  readonly takeOut: readonly Contribution[];
  readonly putIn: readonly Contribution[];
  /** To be kept from now on. */
  readonly held: ReadonlyMap<bigint, Held>;
}

/** 64 of the bits that a version-5 UUID hashes into; by chance two of a million predictions share them once in 40 million rollouts. */
export function shortId(predictionId: string): bigint {
  const hex = predictionId.replaceAll('-', '');
  return BigInt.asIntN(64, BigInt(`0x${hex.slice(0, 12)}${hex.slice(28)}`));
}

/** What says nothing here and supersedes nothing is of no interest. */
export const matters = ({ added, correction }: Word): boolean => added.length > 0 || correction;

export const isKept = (one: Contribution | Unkept): one is Contribution => 'amounts' in one;

/**
 * What words on predictions change, in whatever order and however often they come: what counts in the end is the last word on each.
 *
 * @param known what holds of these predictions, by `shortId`
 */
export function settleWords(words: readonly Word[], known: ReadonlyMap<bigint, Held>): Settled {
  const held = new Map<bigint, Held>();
  const takeOut: Contribution[] = [];
  const putIn: Contribution[] = [];
  for (const word of words) {
    const id = shortId(word.predictionId);
    const change = changeBy(word, held.get(id) ?? known.get(id));
    if (change === undefined) continue;
    takeOut.push(...change.takeOut);
    putIn.push(...change.putIn);
    held.set(id, change.now);
  }
  return { takeOut, putIn, held };
}

interface Change {
  readonly takeOut: readonly Contribution[];
  readonly putIn: readonly Contribution[];
  readonly now: Held;
}

function changeBy(word: Word, before: Held | undefined): Change | undefined {
  const { revision, added } = word;
  if (before === undefined) return { takeOut: [], putIn: added, now: { revision, added } };
  if (supersedes(word, before)) return { takeOut: before.added.flatMap((one) => (isKept(one) ? [one] : supposed(one, word))), putIn: added, now: { revision, added } };
  if (revision === undefined || revision !== before.revision) return undefined;
  // The same word may be told again with shadows that had not come before, and once more as it was.
  const missing = added.filter((one) => !before.added.some((other) => isSamePlace(one, other)));
  return missing.length === 0 ? undefined : { takeOut: [], putIn: missing, now: { revision, added: [...before.added, ...missing] } };
}

/** Words without numbers come in the order in which they were told, and before all that have one. */
const supersedes = ({ revision, correction }: Word, held: Held): boolean => (revision === undefined ? correction && held.revision === undefined : revision > (held.revision ?? -1));

/** That only the outcome was corrected, not the answer, is the best guess where what was added was not kept. */
const supposed = (unkept: Unkept, { saying }: Word): readonly Contribution[] => (unkept.outcome === undefined ? [] : saying(unkept.outcome).filter((one) => isSamePlace(one, unkept)));

const isSamePlace = (one: Place, other: Place): boolean => one.stream === other.stream && one.rolloutId === other.rolloutId;
