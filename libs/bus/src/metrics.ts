import { counter, histogram, METRICS } from '@throughline/telemetry';

/** The bus's instruments; what it observes on demand (lag, in flight, pending) is registered where it is kept. */
export const busMetrics = {
  consumed: counter(METRICS.messagesConsumed),
  handlerSeconds: histogram(METRICS.handlerSeconds),
  retries: counter(METRICS.handlerRetries),
  deadLetters: counter(METRICS.deadLetters),
  produced: counter(METRICS.messagesProduced),
  produceSeconds: histogram(METRICS.produceSeconds),
  produceFailures: counter(METRICS.produceFailures),
  commits: counter(METRICS.commits),
  rebalances: counter(METRICS.rebalances),
  outboxPublished: counter(METRICS.outboxPublished),
};

/** Adds one per message under its topic, with one `add` a topic. */
export function addPerTopic(instrument: { add(value: number, labels: { topic: string }): void }, messages: readonly { readonly topic: string }[]): void {
  const counts = new Map<string, number>();
  for (const { topic } of messages) counts.set(topic, (counts.get(topic) ?? 0) + 1);
  for (const [topic, count] of counts) instrument.add(count, { topic });
}
