import { encodeEvent, type Event, type WireMessage } from '@throughline/contracts';
import type { Bus, OutgoingMessage } from '../port.js';
import type { AnyTopic } from '../topics.js';

/** The topic of most tests: four partitions, a simple schema. */
export const TOPIC = 'feature.observed.v1';
/** A compacted one. */
export const COMPACTED = 'feature.updated.v1';
export type TestEvent = Event<typeof TOPIC>;

export const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** A valid message with a number to recognise it by. */
export function numbered(n: number, key = `entity-${n % 10}`, headers: Record<string, string> = {}): OutgoingMessage & { topic: typeof TOPIC } {
  const timeMs = Date.UTC(2026, 0, 1) + n;
  const { value, headers: own } = encodeEvent(TOPIC, {
    id: String(n),
    source: '/test',
    timeMs,
    traceparent: TRACEPARENT,
    data: { event: 'seen', entityType: 'airport', entityId: key, values: { n }, occurredAt: new Date(timeMs).toISOString() },
  });
  return { topic: TOPIC, key, value, headers: { ...own, ...headers } };
}

/** The same on a compacted topic. */
export function updated(n: number, key = `v@1|airport|entity-${n % 50}`): OutgoingMessage {
  const time = new Date(Date.UTC(2026, 0, 1) + n).toISOString();
  return {
    topic: COMPACTED,
    key,
    ...encodeEvent(COMPACTED, {
      id: String(n),
      source: '/test',
      timeMs: Date.parse(time),
      data: { view: 'v', viewVersion: 1, entityType: 'airport', entityId: `entity-${n % 50}`, values: { n }, eventTime: time, sequence: n },
    }),
  };
}

export const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);
export const numberOf = (event: { readonly data: { readonly values?: Readonly<Record<string, unknown>> } }): number => Number(event.data.values?.['n']);
export const sorted = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);

/** Waits until `check` passes or the time is over; then its last error speaks. */
export async function eventually(check: () => void | Promise<void>, timeoutMs = 25_000): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** A door that opens once. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export async function committedSum(bus: Bus, group: string, topic: AnyTopic = TOPIC): Promise<number> {
  const offsets = await bus.admin.offsets(topic, group);
  return offsets.reduce((sum, { committed }) => sum + Number(committed ?? 0n), 0);
}

export async function readAll(bus: Bus, topic: AnyTopic): Promise<WireMessage[]> {
  const found: WireMessage[] = [];
  await bus.admin.scan(topic, (messages) => void found.push(...messages));
  return found;
}

/** Sends a thousand numbered messages a second, a few at a time, until stopped; `stop` resolves with how many when all are acknowledged. */
export function steadyLoad(bus: Bus, perTick = 20): { stop(): Promise<number> } {
  let sent = 0;
  let isStopped = false;
  const running = (async () => {
    while (!isStopped) {
      await bus.producer.sendAll(range(perTick, sent).map((n) => numbered(n)));
      sent += perTick;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return sent;
  })();
  return {
    stop: () => {
      isStopped = true;
      return running;
    },
  };
}
