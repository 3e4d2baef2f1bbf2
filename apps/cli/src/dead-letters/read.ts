import { decodeDeadLetter, type BusAdmin, type DeadLetter, type StartOffsets } from '@throughline/bus/client';
import { ATTEMPT_HEADER, type WireMessage } from '@throughline/contracts';
import { matches, type LetterFilter } from '../domain/letter-filter.js';

export const DEAD_LETTERS = 'dead-letter.v1';

/** A dead letter and where it is. */
export interface Found {
  /** topic/partition/offset of the dead letter. */
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  readonly atMs: number;
  readonly letter: DeadLetter;
}

/** Hands over the dead letters that the filter lets pass, some at a time, in the order of their partitions. */
export async function readLetters(admin: BusAdmin, filter: LetterFilter, onFound: (found: readonly Found[]) => void | Promise<void>, from?: StartOffsets): Promise<void> {
  await admin.scan(DEAD_LETTERS, (messages) => {
    const found = messages.flatMap((message) => findIn(message, filter) ?? []);
    return found.length === 0 ? undefined : onFound(found);
  }, from);
}

function findIn(message: WireMessage, filter: LetterFilter): Found | undefined {
  const letter = decodeDeadLetter(message);
  if (letter === undefined) return undefined;
  const { partition, timestampMs: atMs } = message;
  const id = `${DEAD_LETTERS}/${partition}/${message.offset}`;
  const { code, group, original } = letter;
  return matches({ id, atMs, code, group, topic: original.topic }, filter) ? { id, partition, offset: Number(message.offset), atMs, letter } : undefined;
}

/** topic/partition/offset of the message that could not be handled. */
export const originalOf = ({ original }: DeadLetter): string => `${original.topic}/${original.partition}/${original.offset}`;

/** Attempt that a replay would be. */
export const nextAttemptOf = ({ original }: DeadLetter): number => (Number(original.headers[ATTEMPT_HEADER]?.toString() ?? 0) || 0) + 1;
