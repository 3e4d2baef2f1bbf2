import { createRequire } from 'node:module';
import kafkajs, { type Assigner, type PartitionAssigner } from 'kafkajs';

interface ConsumerGroup {
  readonly assigners: readonly Assigner[];
  joinAndSync(): Promise<void>;
}

const hooks = new WeakMap<Assigner, () => Promise<void>>();

/**
 * kafkajs 2.2.4 tells that a group rebalances and joins it anew at once, without waiting for anybody. With this it waits for the hooks of the
 * member's assigners, the one thing of a member's own that reaches the place where it joins.
 */
export function waitBeforeJoining(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup') as { prototype: ConsumerGroup };
  const { joinAndSync } = prototype;
  prototype.joinAndSync = async function joinAndSyncWhenReady(this: ConsumerGroup) {
    for (const assigner of this.assigners) await hooks.get(assigner)?.();
    return joinAndSync.call(this);
  };
}

/** kafkajs's own assigner, under its own name; `hook` is awaited before every join of the member that uses it, the first one included. */
export function assignerWithHook(hook: () => Promise<void>): PartitionAssigner {
  return (config) => {
    const assigner = kafkajs.PartitionAssigners.roundRobin(config);
    hooks.set(assigner, hook);
    return assigner;
  };
}
