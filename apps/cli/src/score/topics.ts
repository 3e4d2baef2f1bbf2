import type { BusAdmin, StartOffsets } from '@throughline/bus/client';
import type { Mark, TopicEnds } from './job-folder.js';

export const REQUESTS = 'prediction.requested.batch.v1';
export const SCORED = 'prediction.scored.v1';
export const REJECTED = 'prediction.rejected.v1';
const TOPICS = [REQUESTS, SCORED, REJECTED] as const;
export type JobTopic = (typeof TOPICS)[number];

export async function endsOf(admin: BusAdmin): Promise<TopicEnds> {
  const perTopic = await Promise.all(TOPICS.map(async (topic) => [topic, Object.fromEntries((await admin.offsets(topic)).map(({ partition, high }) => [partition, String(high)]))] as const));
  return Object.fromEntries(perTopic);
}

export const startOf = ({ ends }: Mark, topic: JobTopic): StartOffsets => new Map(Object.entries(ends[topic] ?? {}).map(([partition, end]) => [Number(partition), BigInt(end)]));

/** Whether the topics still hold all that came after a mark: not when it is older than their retention, nor when they were made anew. */
export async function holdsAllSince(admin: BusAdmin, mark: Mark): Promise<boolean> {
  const held = await Promise.all(TOPICS.map(async (topic) => {
    const start = startOf(mark, topic);
    return (await admin.offsets(topic)).every(({ partition, low, high }) => low <= (start.get(partition) ?? 0n) && (start.get(partition) ?? 0n) <= high);
  }));
  return held.every(Boolean);
}
