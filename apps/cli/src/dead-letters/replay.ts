import { replayOf, type Bus, type DeadLetter, type StartOffsets } from '@throughline/bus/client';
import { ContractError } from '@throughline/contracts';
import type { LetterFilter } from '../domain/letter-filter.js';
import { nextAttemptOf, originalOf, readLetters, type Found } from './read.js';

const SHOWN_MAX = 50;

/** One line of what is, or cannot be, sent back. */
export interface ReplayLine {
  readonly id: string;
  readonly original: string;
  readonly group: string;
  readonly code: string;
  readonly attempt: number;
  /** Why it cannot be sent back. */
  readonly obstacle: string | undefined;
}

/** What would be sent back; bounded in memory, however many letters there are. */
export interface ReplayPlan {
  readonly count: number;
  readonly obstacles: number;
  /** The first of them. */
  readonly lines: readonly ReplayLine[];
  /** Offsets of the letters, by partition. */
  readonly chosen: ReadonlyMap<number, ReadonlySet<number>>;
}

/** Looks at the letters that the filter lets pass; sends nothing. */
export async function planReplay(bus: Bus, filter: LetterFilter): Promise<ReplayPlan> {
  const lines: ReplayLine[] = [];
  const chosen = new Map<number, Set<number>>();
  let count = 0;
  let obstacles = 0;
  await readLetters(bus.admin, filter, (found) => {
    for (const one of found) {
      const line = lineOf(one);
      if (lines.length < SHOWN_MAX) lines.push(line);
      if (line.obstacle !== undefined) {
        obstacles += 1;
        continue;
      }
      count += 1;
      const offsets = chosen.get(one.partition);
      if (offsets === undefined) chosen.set(one.partition, new Set([one.offset]));
      else offsets.add(one.offset);
    }
  });
  return { count, obstacles, lines, chosen };
}

/** Sends the letters of a plan back, each to the group that failed; resolves with their number when the brokers have them all. */
export async function replay(bus: Bus, { chosen }: ReplayPlan, onSent: (count: number) => void): Promise<number> {
  let sent = 0;
  const from: StartOffsets = new Map([...chosen].map(([partition, offsets]) => [partition, BigInt(smallest(offsets))]));
  await readLetters(bus.admin, {}, async (found) => {
    const messages = found.filter(({ partition, offset }) => chosen.get(partition)?.has(offset)).map(({ letter }) => replayOf(letter));
    await bus.producer.sendAll(messages);
    sent += messages.length;
    onSent(sent);
  }, from);
  return sent;
}

function lineOf({ id, letter }: Found): ReplayLine {
  return { id, original: originalOf(letter), group: letter.group, code: letter.code, attempt: nextAttemptOf(letter), obstacle: obstacleOf(letter) };
}

function obstacleOf(letter: DeadLetter): string | undefined {
  try {
    replayOf(letter);
    return undefined;
  } catch (error) {
    if (error instanceof ContractError) return error.message;
    throw error;
  }
}

function smallest(offsets: ReadonlySet<number>): number {
  let least = Infinity;
  for (const offset of offsets) least = Math.min(least, offset);
  return least;
}
