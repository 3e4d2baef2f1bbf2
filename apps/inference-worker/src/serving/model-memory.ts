import { ContractError } from '@throughline/contracts';
import { counter, METRICS, observableGauge } from '@throughline/telemetry';

/** What takes memory and can do without for a while. */
export interface Resident {
  readonly model: string;
  /** Somebody means to use it soon: it leaves only if there is no other way. */
  readonly isWanted: boolean;
  /** It is at work, or on its way in: it cannot leave. */
  readonly isBusy: boolean;
  /** Gives its memory back. */
  evict(): Promise<void>;
}

const evictions = counter(METRICS.modelEvictions);

/** Keeps the estimated memory of the models below a bound: the least recently used leave. */
export class ModelMemory {
  /** Estimated bytes of each, the least recently used first. */
  private readonly residents = new Map<Resident, number>();
  /** One who waits for room does not lose it to the next. */
  private queue: Promise<unknown> = Promise.resolve();
  private wake: () => void = () => {};
  private reserved = 0;
  private readonly stopGauges = [
    observableGauge(METRICS.modelsResident, () => this.residents.size),
    observableGauge(METRICS.modelMemoryBytes, () => this.reserved),
  ];

  constructor(readonly maxBytes: number) {}

  /** Estimated bytes of all that is in memory or on its way; never more than the bound. */
  get usedBytes(): number {
    return this.reserved;
  }

  get count(): number {
    return this.residents.size;
  }

  /**
   * Makes room for a resident and counts it in; it must be busy until it is in.
   *
   * @param isUrgent whether to wait, and to send away what is wanted, too
   * @returns false when there is no room without that
   * @throws ContractError `artifact_too_large` for what the bound could never hold
   */
  admit(resident: Resident, sizeBytes: number, isUrgent: boolean): Promise<boolean> {
    if (sizeBytes > this.maxBytes) {
      const reason = `a version of “${resident.model}” takes about ${sizeBytes} bytes of memory, all models together may take ${this.maxBytes}`;
      return Promise.reject(new ContractError('artifact_too_large', reason, { cure: 'Raise MODEL_MEMORY_MAX_BYTES, or shrink the model.' }));
    }
    const admitted = this.queue.then(() => this.makeRoom(resident, sizeBytes, isUrgent));
    this.queue = admitted.catch(() => undefined);
    return admitted;
  }

  /** Its size is known better now. Only less is possible: more might not be there. */
  shrink(resident: Resident, sizeBytes: number): void {
    const before = this.residents.get(resident);
    if (before === undefined || sizeBytes >= before) return;
    this.residents.set(resident, sizeBytes);
    this.reserved -= before - sizeBytes;
    this.wake();
  }

  /** It is being used. */
  touch(resident: Resident): void {
    const sizeBytes = this.residents.get(resident);
    if (sizeBytes === undefined) return;
    this.residents.delete(resident);
    this.residents.set(resident, sizeBytes);
  }

  /** Its memory is free. */
  leave(resident: Resident): void {
    this.reserved -= this.residents.get(resident) ?? 0;
    this.residents.delete(resident);
    this.wake();
  }

  /** Somebody is busy no more: who waits for room looks again. */
  idle(): void {
    this.wake();
  }

  close(): void {
    for (const stop of this.stopGauges) stop();
  }

  private async makeRoom(resident: Resident, sizeBytes: number, isUrgent: boolean): Promise<boolean> {
    while (this.reserved + sizeBytes > this.maxBytes) {
      const victim = this.victim(isUrgent);
      if (victim !== undefined) await this.evict(victim);
      else if (isUrgent) await new Promise<void>((resolve) => (this.wake = resolve));
      else return false;
    }
    this.residents.set(resident, sizeBytes);
    this.reserved += sizeBytes;
    return true;
  }

  /** The least recently used of those that nobody wants; where it must be, of those that are not at work. */
  private victim(isUrgent: boolean): Resident | undefined {
    let wanted: Resident | undefined;
    for (const resident of this.residents.keys()) {
      if (resident.isBusy) continue;
      if (!resident.isWanted) return resident;
      wanted ??= resident;
    }
    return isUrgent ? wanted : undefined;
  }

  private async evict(victim: Resident): Promise<void> {
    evictions.add(1, { model: victim.model });
    await victim.evict();
    this.leave(victim);
  }
}
