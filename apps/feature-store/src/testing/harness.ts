import { randomUUID } from 'node:crypto';
import type { Bus } from '@throughline/bus';
import { decodeOrThrow, encodeEvent, type EventData } from '@throughline/contracts';
import type { ObservedEvent } from '@throughline/features';
import { eventually } from '@throughline/testing';

export interface Sent extends ObservedEvent {
  readonly id: string;
}

export const withIds = (events: readonly ObservedEvent[]): Sent[] => events.map((event) => ({ ...event, id: randomUUID() }));

/** @param keyOf decides the partition; by the contract the entity, but nothing may rely on that */
export async function sendObserved(bus: Bus, events: readonly Sent[], keyOf: (event: Sent) => string = ({ entityId }) => entityId): Promise<void> {
  await bus.producer.sendAll(
    events.map((sent) => {
      const { id, entityId, event, values, occurredAtMs } = sent;
      const data = { entityType: 'airport', entityId, event, values: { ...values }, occurredAt: new Date(occurredAtMs).toISOString() };
      return { topic: 'feature.observed.v1' as const, key: keyOf(sent), ...encodeEvent('feature.observed.v1', { id, source: '/test', timeMs: occurredAtMs, data }) };
    }),
  );
}

/** Resolves when the service's group has committed everything on the topic, so that every effect is durable. */
export async function allConsumed(bus: Bus): Promise<void> {
  await eventually('everything is consumed', async () => {
    const offsets = await bus.admin.offsets('feature.observed.v1', 'feature-store');
    return offsets.every(({ high, committed }) => high === 0n || committed === high) ? true : undefined;
  });
}

export type Update = EventData<'feature.updated.v1'>;

/** What is on `feature.updated` now: the last update by key, and how many there were. */
export async function readUpdates(bus: Bus): Promise<{ last: Map<string, Update>; count: number }> {
  const last = new Map<string, Update>();
  let count = 0;
  await bus.admin.scan('feature.updated.v1', (messages) => {
    for (const message of messages) {
      last.set(message.key!.toString(), decodeOrThrow('feature.updated.v1', message).data);
      count += 1;
    }
  });
  return { last, count };
}
