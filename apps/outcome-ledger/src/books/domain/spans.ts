import type { PartitionBounds } from './positions.js';

/** `settled`: every offset must be covered. `open`: may still be on its way. `deleted`: Kafka has it no more, nobody can tell. */
export type SpanKind = 'settled' | 'open' | 'deleted';

/** A run of offsets that the books judge as one. */
export interface Span {
  readonly topic: string;
  readonly partition: number;
  readonly kind: SpanKind;
  /** Epoch milliseconds of its hour; absent for spans over all of a partition. */
  readonly hourMs: number | undefined;
  readonly from: number;
  /** One past its last offset. */
  readonly to: number;
}

/** What of a span is covered; dead letters are part of that. */
export interface Covered {
  readonly handled: number;
  readonly deadLetters: number;
}

const filled = (spans: readonly Span[]): Span[] => spans.filter(({ from, to }) => from < to);

/** All of a partition, from its first offset. */
export const wholeSpans = (bounds: readonly PartitionBounds[]): Span[] => filled(bounds.flatMap(({ topic, partition, low, settled, high }) => [
  { topic, partition, hourMs: undefined, kind: 'deleted' as const, from: 0, to: low },
  { topic, partition, hourMs: undefined, kind: 'settled' as const, from: low, to: settled },
  { topic, partition, hourMs: undefined, kind: 'open' as const, from: settled, to: high },
]));

/**
 * A partition by the hours of its messages.
 *
 * @param hours beginnings of hours in order, each with the partition's first offset in it; the last one only ends the one before
 */
export function hourSpans({ topic, partition, low, settled, high }: PartitionBounds, hours: readonly { readonly hourMs: number; readonly offset: number }[]): Span[] {
  const within = (offset: number): number => Math.min(high, Math.max(low, offset));
  return filled(hours.slice(0, -1).flatMap(({ hourMs, offset }, index) => {
    const [from, to] = [within(offset), within(hours[index + 1]!.offset)];
    const middle = Math.min(to, Math.max(from, settled));
    return [
      { topic, partition, hourMs, kind: 'settled' as const, from, to: middle },
      { topic, partition, hourMs, kind: 'open' as const, from: middle, to },
    ];
  }));
}
