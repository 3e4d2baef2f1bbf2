import type { Bus } from '@throughline/bus';
import type { Event, PredictionRejected, PredictionScored } from '@throughline/contracts';

type ScoredEvent = Event<'prediction.scored.v1'>;
type ShadowedEvent = Event<'prediction.shadowed.v1'>;
type RejectedEvent = Event<'prediction.rejected.v1'>;

const PATIENCE_MS = 20_000;

/** Everything that the worker has published, as it arrives. Events were validated on the way here. */
export class Answers {
  readonly scored: ScoredEvent[] = [];
  readonly shadowed: ShadowedEvent[] = [];
  readonly rejected: RejectedEvent[] = [];
  private readonly watchers = new Set<() => void>();

  constructor(private readonly bus: Bus) {}

  async start(): Promise<void> {
    const invalid = (message: { reason: string }): never => {
      throw new Error(`the worker published an invalid event: ${message.reason}`);
    };
    await this.bus.follow({ topic: 'prediction.scored.v1', onEvent: (event) => this.add(this.scored, event), onUndecodable: invalid });
    await this.bus.follow({ topic: 'prediction.shadowed.v1', onEvent: (event) => this.add(this.shadowed, event), onUndecodable: invalid });
    await this.bus.follow({ topic: 'prediction.rejected.v1', onEvent: (event) => this.add(this.rejected, event), onUndecodable: invalid });
  }

  /** The first scored event of a request. */
  scoredOf(requestId: string): Promise<PredictionScored> {
    return this.until(`${requestId} to be scored`, () => this.scored.find(({ data }) => data.requestId === requestId)?.data);
  }

  rejectedOf(requestId: string): Promise<PredictionRejected> {
    return this.until(`${requestId} to be rejected`, () => this.rejected.find(({ data }) => data.requestId === requestId)?.data);
  }

  /** Resolves with what `find` gives as soon as that is not `undefined` or false; looks again at every arrival. */
  until<T>(what: string, find: () => T | undefined | false, patienceMs = PATIENCE_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find();
        if (found === undefined || found === false) return;
        this.watchers.delete(look);
        clearTimeout(timer);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.watchers.delete(look);
        reject(new Error(`waited ${patienceMs} ms for ${what}; there are ${this.scored.length} scored, ${this.shadowed.length} shadowed and ${this.rejected.length} rejected`));
      }, patienceMs);
      this.watchers.add(look);
      look();
    });
  }

  private add<E>(list: E[], event: E): void {
    list.push(event);
    for (const look of this.watchers) look();
  }
}
