import { encodeEvent, type EventData, type EventTopic } from '@throughline/contracts';
import type { Bus } from '@throughline/bus';

const CHUNK = 500;

/** Publishes events in their order, keyed by routing key or request as workers and the ledger do. */
export async function publish<T extends EventTopic>(bus: Bus, topic: T, events: readonly EventData<T>[]): Promise<void> {
  for (let at = 0; at < events.length; at += CHUNK) {
    await bus.producer.sendAll(events.slice(at, at + CHUNK).map((data, index) => {
      const { routingKey, predictionId } = data as { routingKey?: string; predictionId?: string };
      return { topic, key: routingKey ?? predictionId ?? 'key', ...encodeEvent(topic, { id: `e-${at + index}`, source: '/test', timeMs: Date.now(), data }) };
    }));
  }
}
