import { createRequire } from 'node:module';

interface RequestQueue {
  readonly pending?: readonly unknown[];
  scheduleCheckPendingRequests?: () => void;
}

/**
 * kafkajs 2.2.4 keeps a timer of one millisecond running on every connection for ever, because it computes a negative delay when nothing
 * waits: 1 % of a core per idle service, and a warning on Node 24. Nothing needs to be checked while nothing is pending.
 */
export function stopIdleTimers(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
  const schedule = prototype.scheduleCheckPendingRequests;
  if (schedule === undefined) return;
  prototype.scheduleCheckPendingRequests = function scheduleWhenPending(this: RequestQueue) {
    if (this.pending === undefined || this.pending.length > 0) schedule.call(this);
  };
}
