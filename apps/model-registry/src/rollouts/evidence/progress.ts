import type { Bus } from '@throughline/bus';

const TOPICS = ['prediction.scored.v1', 'prediction.shadowed.v1', 'prediction.rejected.v1', 'outcome.joined.v1'] as const;
type Topic = (typeof TOPICS)[number];

/** By partition, one past the last message that stood in the topic. */
export type Ends = ReadonlyMap<`${Topic}/${number}`, bigint>;

interface Offsets {
  /** Where the topics ended. */
  readonly ends: Ends;
  /** What lies before it has been counted. */
  readonly counted: Ends;
}

/**
 * How far the evidence has come. Offsets are committed once what lies before them is in the database; so a rollout that goes on only when it has been caught up
 * decides on all that had happened, also after an outage.
 */
export class EvidenceProgress {
  private readonly waiting = new Map<string, Ends>();

  /** @param group of the registry's consumers */
  constructor(private readonly bus: { readonly admin: Pick<Bus['admin'], 'offsets'> }, private readonly group: string) {}

  /** Where the topics end now. */
  async ends(): Promise<Ends> {
    return (await this.offsets()).ends;
  }

  /** Whether all that stood there has been counted. */
  async isCountedUntil(ends: Ends): Promise<boolean> {
    return isReached(ends, (await this.offsets()).counted);
  }

  /**
   * Asked again and again for a rollout: true once all has been counted that stood in the topics when it was asked first, or first after the last true. Traffic never
   * stops, so that nobody is ever caught up with what stands there now.
   */
  async isCaughtUp(rolloutId: string): Promise<boolean> {
    const { ends, counted } = await this.offsets();
    const wanted = this.waiting.get(rolloutId) ?? ends;
    const reached = isReached(wanted, counted);
    if (reached) this.waiting.delete(rolloutId);
    else this.waiting.set(rolloutId, wanted);
    return reached;
  }

  /** Nobody will ask for it again. */
  forget(rolloutId: string): void {
    this.waiting.delete(rolloutId);
  }

  private async offsets(): Promise<Offsets> {
    const [ends, counted] = [new Map<`${Topic}/${number}`, bigint>(), new Map<`${Topic}/${number}`, bigint>()];
    await Promise.all(TOPICS.map(async (topic) => {
      for (const { partition, low, high, committed } of await this.bus.admin.offsets(topic, this.group)) {
        ends.set(`${topic}/${partition}`, high);
        counted.set(`${topic}/${partition}`, committed ?? low);
      }
    }));
    return { ends, counted };
  }
}

/** A partition that is gone is not waited for. */
const isReached = (wanted: Ends, counted: Ends): boolean => [...wanted].every(([partition, end]) => (counted.get(partition) ?? end) >= end);
