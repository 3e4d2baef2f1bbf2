/** Rows handed over before a team's array is moved up. */
const TRIM_AT = 1024;

interface TeamQueue<R> {
  readonly team: string;
  items: R[];
  head: number;
}

/**
 * First in, first out within a team; between teams one each, in turn, so that a team that floods the queue delays itself and hardly
 * anybody else.
 */
export class FairQueue<R> {
  private readonly teams = new Map<string, TeamQueue<R>>();
  /** Teams that have something, in the order of their turns. */
  private turns: TeamQueue<R>[] = [];
  private next = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  push(team: string, item: R): void {
    let queue = this.teams.get(team);
    if (queue === undefined) {
      queue = { team, items: [], head: 0 };
      this.teams.set(team, queue);
      this.turns.push(queue);
    }
    queue.items.push(item);
    this.count++;
  }

  /** At most so many go before a row of this team that comes now. */
  ahead(team: string): number {
    const queue = this.teams.get(team);
    const own = queue === undefined ? 0 : queue.items.length - queue.head;
    return Math.min(this.count, (own + 1) * this.turns.length);
  }

  /** What the next `shift` gives, left where it is. */
  peek(): R | undefined {
    if (this.count === 0) return undefined;
    const queue = this.turns[this.next]!;
    return queue.items[queue.head];
  }

  shift(): R | undefined {
    if (this.count === 0) return undefined;
    const queue = this.turns[this.next]!;
    const item = queue.items[queue.head]!;
    queue.head++;
    this.count--;
    if (queue.head === queue.items.length) this.forget(queue);
    else {
      if (queue.head >= TRIM_AT) {
        queue.items.splice(0, queue.head);
        queue.head = 0;
      }
      this.next = (this.next + 1) % this.turns.length;
    }
    return item;
  }

  /** A team without rows loses its turn: names of teams are the senders' choosing and must not pile up. */
  private forget(queue: TeamQueue<R>): void {
    this.teams.delete(queue.team);
    this.turns.splice(this.next, 1);
    if (this.next >= this.turns.length) this.next = 0;
  }
}
