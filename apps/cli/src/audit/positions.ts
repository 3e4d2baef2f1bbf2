import type { AnyTopic, BusAdmin } from '@throughline/bus/client';
import { Looks } from '../looks.js';
import type { Progress } from '../terminal.js';

const WORKERS = 'inference-worker';
const LEDGER = 'outcome-ledger';
const LONGEST_PAUSE_MS = 200;

/** Offsets by `topic/partition`. */
export type Offsets = ReadonlyMap<string, bigint>;

/** How far everybody was. */
export interface Progressed {
  /** Next offset that the workers will commit, of the topics of requests. */
  readonly answered: Offsets;
  /** Next offset that the ledger will commit, of the topics of answers. */
  readonly recorded: Offsets;
  /** Ends of the topics of answers, taken after the workers had answered. */
  readonly answers: Offsets;
}

/** Ends of topics. */
export async function endsOf(admin: BusAdmin, topics: readonly AnyTopic[]): Promise<Offsets> {
  const perTopic = await Promise.all(topics.map(async (topic) => (await admin.offsets(topic)).map(({ partition, high }) => [`${topic}/${partition}`, high] as const)));
  return new Map(perTopic.flat());
}

async function committedOf(admin: BusAdmin, topics: readonly AnyTopic[], group: string): Promise<Offsets> {
  const perTopic = await Promise.all(topics.map(async (topic) => (await admin.offsets(topic, group)).map(({ partition, low, committed }) => [`${topic}/${partition}`, committed ?? low] as const)));
  return new Map(perTopic.flat());
}

export const reached = (positions: Offsets, ends: Offsets): boolean => [...ends].every(([partition, end]) => (positions.get(partition) ?? 0n) >= end);

/**
 * Waits until the workers have answered everything up to `ends`, and then until the ledger has taken in all answers that exist at that
 * moment; or until the deadline. Both targets stand still, so traffic that goes on does not keep them out of reach.
 */
export async function settled(admin: BusAdmin, topics: { readonly requests: readonly AnyTopic[]; readonly answers: readonly AnyTopic[] }, ends: Offsets, deadlineMs: number, progress: Progress): Promise<Progressed> {
  const until = async (of: readonly AnyTopic[], group: string, target: Offsets): Promise<Offsets> => {
    const looks = new Looks(LONGEST_PAUSE_MS);
    for (;;) {
      const committed = await committedOf(admin, of, group);
      if (reached(committed, target) || Date.now() >= deadlineMs) return committed;
      progress.update(`waiting for the ${group}, ${Math.ceil((deadlineMs - Date.now()) / 1000)} s at most`);
      await looks.pause();
    }
  };
  const answered = await until(topics.requests, WORKERS, ends);
  const answers = await endsOf(admin, topics.answers);
  return { answered, answers, recorded: await until(topics.answers, LEDGER, answers) };
}
