import type { OutcomeRecord } from '../../domain/outcome.js';

/**
 * Why an outcome cannot be true yet: it says that it became so after Kafka received it. The reason names no value.
 *
 * @param toleranceSeconds by how much clocks may differ
 */
export function fromTheFuture({ occurredAtMs, receivedAtMs }: Pick<OutcomeRecord, 'occurredAtMs' | 'receivedAtMs'>, toleranceSeconds: number): string | undefined {
  const aheadSeconds = (occurredAtMs - receivedAtMs) / 1000;
  if (aheadSeconds <= toleranceSeconds) return undefined;
  return `data.occurredAt lies ${Math.ceil(aheadSeconds)} s after the message was received; ${toleranceSeconds} s are tolerated`;
}
