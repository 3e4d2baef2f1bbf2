import type { Consumer } from 'kafkajs';
import { deferred } from '../deferred.js';
import { RETRY } from './client.js';

/**
 * One fetch serves all partitions and waits at most 100 ms for data: that bounds how late a resumed partition is fetched again.
 * A third of the session for a heartbeat would do; but until a member hears of a rebalance, the partitions of one that left wait.
 */
export const CONSUMER = {
  sessionTimeout: 10_000,
  rebalanceTimeout: 30_000,
  heartbeatInterval: 300,
  maxWaitTimeInMs: 100,
  minBytes: 1,
  allowAutoTopicCreation: false,
  retry: RETRY,
} as const;

/** Without brokers kafkajs tries for long to say goodbye to them. */
export const LEAVE_TIMEOUT_MS = 5_000;

export interface MembershipListener {
  /** The group was joined, for the first time or anew, with these partitions of the topic. */
  readonly onAssigned: (partitions: readonly number[]) => void;
  readonly onRebalancing?: () => void;
  /** The consumer has stopped for good. */
  readonly onDead: (error: Error) => void;
}

/** Follows a kafkajs consumer of one topic through joins, rebalances and death. */
export class GroupMembership {
  /** Resolves with the first assignment, rejects when the consumer dies before. */
  readonly joined: Promise<void>;

  constructor(consumer: Consumer, topic: string, listener: MembershipListener) {
    const { GROUP_JOIN, REBALANCING, CRASH } = consumer.events;
    const { promise, resolve, reject } = deferred();
    this.joined = promise;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      listener.onAssigned(payload.memberAssignment[topic] ?? []);
      resolve();
    });
    consumer.on(REBALANCING, () => listener.onRebalancing?.());
    consumer.on(CRASH, ({ payload }) => {
      if (payload.restart) return;
      reject(payload.error);
      listener.onDead(payload.error);
    });
  }
}
