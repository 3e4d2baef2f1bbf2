import type { Event, EventTopic } from '@throughline/contracts';
import type { Located } from './tally.js';

/** What counts of each event, with the place of its message; in the order of the partition. */
export function located<T extends EventTopic, C>(events: readonly Event<T>[], countsOf: (data: Event<T>['data']) => C | readonly C[] | undefined): Located<C>[] {
  const found: Located<C>[] = [];
  for (const { data, message } of events) {
    const counts = countsOf(data);
    if (counts === undefined) continue;
    for (const one of Array.isArray(counts) ? (counts as readonly C[]) : [counts as C]) found.push({ at: message, counts: one });
  }
  return found;
}
