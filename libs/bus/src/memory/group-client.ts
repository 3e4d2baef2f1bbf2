import { ContractError } from '@throughline/contracts';
import type { Commit, GroupClient, GroupListener } from '../consume/group-client.js';
import type { AnyTopic } from '../topics.js';
import type { Member, MemoryBroker } from './broker.js';

const FETCH_SIZE = 1_000;

/** A member of a group of the broker in memory. */
export class MemoryGroupClient implements GroupClient {
  private readonly positions = new Map<number, number>();
  private readonly paused = new Set<number>();
  private readonly member: Member;
  private stopListening = (): void => {};

  constructor(
    private readonly broker: MemoryBroker,
    private readonly topic: AnyTopic,
    private readonly group: string,
    private readonly listener: GroupListener,
  ) {
    this.member = { beforeRejoin: listener.beforeRejoin, assign: (partitions) => this.assigned(partitions) };
  }

  async join(): Promise<void> {
    if (!this.broker.has(this.topic)) throw new ContractError('not_found', `there is no topic ${this.topic}`);
    this.stopListening = this.broker.listen(this.topic, (partition) => this.fetchSoon(partition));
    await this.broker.join(this.topic, this.group, this.member);
  }

  pause(partition: number): void {
    this.paused.add(partition);
  }

  resume(partition: number): void {
    this.paused.delete(partition);
    this.fetchSoon(partition);
  }

  async commit(commits: readonly Commit[]): Promise<void> {
    for (const { partition, offset } of commits) this.broker.commit(this.topic, this.group, partition, offset);
  }

  async leave(): Promise<void> {
    this.stopListening();
    this.positions.clear();
    this.broker.leave(this.topic, this.group, this.member);
  }

  private assigned(partitions: readonly number[]): void {
    this.positions.clear();
    for (const partition of partitions) this.positions.set(partition, this.broker.committed(this.topic, this.group, partition) ?? 0);
    this.listener.onAssigned(partitions);
    for (const partition of partitions) this.fetchSoon(partition);
  }

  /** Later, as over a network: nobody may rely on delivery within `send`. */
  private fetchSoon(partition: number): void {
    setImmediate(() => {
      const position = this.positions.get(partition);
      if (position === undefined || this.paused.has(partition)) return;
      const log = this.broker.log(this.topic)[partition]!;
      const messages = log.slice(position, position + FETCH_SIZE);
      if (messages.length === 0 || !this.listener.onMessages(partition, () => messages, log.length)) return;
      this.positions.set(partition, position + messages.length);
      this.fetchSoon(partition);
    });
  }
}
