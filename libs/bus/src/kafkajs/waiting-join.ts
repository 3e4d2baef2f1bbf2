import { createRequire } from 'node:module';
import type { Assigner } from 'kafkajs';
import type { GroupListener } from '../consume/group-client.js';

interface ConsumerGroup {
  readonly assigners: readonly Assigner[];
  generationId: number | null;
  memberId: string | null;
  joinAndSync(): Promise<void>;
}

export type JoinHooks = Pick<GroupListener, 'beforeRejoin' | 'onRejoinFailed'>;

/** No generation and no member have these: the broker refuses a heartbeat with either, and a refused heartbeat makes kafkajs join anew. */
const NO_GENERATION = -1;
const NO_MEMBER = 'none';

/** The hooks of the member that uses an assigner, called around each of its joins, the first included. */
export const joinHooks = new WeakMap<Assigner, JoinHooks>();

/**
 * kafkajs 2.2.4 tells that a group rebalances and joins it anew at once, without waiting for anybody. With this it waits for the hooks of the
 * member's assigners, the one thing of a member's own that reaches the place where it joins.
 *
 * When such a join fails for want of a connection, kafkajs goes back to fetching as if it had joined, tells nobody, and need never join again:
 * it heartbeats with the generation of a join whose assignment it has not heard, or, without a member id, not at all. With this its next
 * heartbeat is refused.
 */
export function waitBeforeJoining(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup') as { prototype: ConsumerGroup };
  const { joinAndSync } = prototype;
  prototype.joinAndSync = async function joinAndSyncWhenReady(this: ConsumerGroup) {
    const hooks = this.assigners.flatMap((assigner) => joinHooks.get(assigner) ?? []);
    for (const { beforeRejoin } of hooks) await beforeRejoin();
    try {
      await joinAndSync.call(this);
    } catch (error) {
      this.generationId = NO_GENERATION;
      this.memberId ||= NO_MEMBER;
      for (const { onRejoinFailed } of hooks) onRejoinFailed();
      throw error;
    }
  };
}
