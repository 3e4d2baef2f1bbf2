import { createRequire } from 'node:module';
import type { Assigner } from 'kafkajs';

interface ConsumerGroup {
  readonly assigners: readonly Assigner[];
  joinAndSync(): Promise<void>;
}

/** What is awaited before the member that uses an assigner joins, the first time included. */
export const beforeJoin = new WeakMap<Assigner, () => Promise<void>>();

/**
 * kafkajs 2.2.4 tells that a group rebalances and joins it anew at once, without waiting for anybody. With this it waits for the hooks of the
 * member's assigners, the one thing of a member's own that reaches the place where it joins.
 */
export function waitBeforeJoining(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup') as { prototype: ConsumerGroup };
  const { joinAndSync } = prototype;
  prototype.joinAndSync = async function joinAndSyncWhenReady(this: ConsumerGroup) {
    for (const assigner of this.assigners) await beforeJoin.get(assigner)?.();
    return joinAndSync.call(this);
  };
}
