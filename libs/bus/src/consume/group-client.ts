import type { WireMessage } from '@throughline/contracts';

/** What the broker says to a member of a group. */
export interface GroupListener {
  /**
   * Messages of a partition that is assigned, in order, and the partition's end as the broker saw it with them. Whether they were taken: if
   * not, they must be brought again after `resume`. `messages` is asked for at most once, and only if they are taken.
   */
  readonly onMessages: (partition: number, messages: () => readonly WireMessage[], end: number) => boolean;
  /** The group is about to be joined anew, whatever is assigned may go. The client must not join before this has resolved; it never rejects. */
  readonly beforeRejoin: () => Promise<void>;
  /**
   * The join that `beforeRejoin` was awaited for has failed, and the client fetches on as before until it joins again, which begins with
   * `beforeRejoin`. Not called by a client that does nothing else until it has joined.
   */
  readonly onRejoinFailed: () => void;
  /** The group was joined, for the first time or anew, with these partitions. */
  readonly onAssigned: (partitions: readonly number[]) => void;
  /** The member can no longer work. */
  readonly onDead: (error: Error) => void;
}

export interface Commit {
  readonly partition: number;
  /** The next offset to read. */
  readonly offset: number;
}

/** One member of one group on one topic, as a client library brings it. What is done with the messages is the same for all of them. */
export interface GroupClient {
  /** Resolves with the first assignment. */
  join(): Promise<void>;
  /** Brings no messages of the partition until resumed. */
  pause(partition: number): void;
  /** @throws Error when the client is between a crash and its restart; the assignment that follows counts */
  resume(partition: number): void;
  /** Sent once, under the generation of this moment; rejects when the broker refuses. */
  commit(commits: readonly Commit[]): Promise<void>;
  /** Leaves the group and disconnects. Takes no longer than a few seconds, with or without brokers; never rejects. */
  leave(): Promise<void>;
}
