import { setTimeout as pause } from 'node:timers/promises';
import { ContractError, toContractError } from '@throughline/contracts';
import type { Encoded } from './recorder.js';

/** The producer has been patient already; this only keeps a loop from spinning when it fails at once. */
const PAUSE_MS = 200;

interface Waiting {
  readonly sequence: number;
  readonly encoded: Encoded;
  readonly isWanted: () => boolean;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Publishes answers in the order of the calls even when the brokers are away for longer than the producer is patient: then the very same
 * answers are sent again, and later ones wait behind them. To score their requests anew instead would let batches overtake one another, and
 * could answer a request differently from what a lost acknowledgement has already put on record.
 */
export class OrderedPublisher {
  private sequence = 0;
  /** In the order of the calls; `undefined` while all is well. */
  private stalled: Waiting[] | undefined;

  constructor(private readonly publish: (encoded: Encoded) => Promise<void>, private readonly pauseMs = PAUSE_MS) {}

  /**
   * @param isWanted asked before each further attempt: whether anybody still waits, or the partition is somebody else's by now
   * @returns when the brokers have acknowledged all; rejects for what no patience mends, and with `unavailable` when nobody waits any more
   */
  send(encoded: Encoded, isWanted: () => boolean): Promise<void> {
    const sequence = this.sequence++;
    if (this.stalled !== undefined) return this.behind({ sequence, encoded, isWanted });
    return this.publish(encoded).catch((thrown: unknown) => {
      if (!isUnavailable(thrown)) throw thrown;
      return this.behind({ sequence, encoded, isWanted });
    });
  }

  private behind(waiting: Omit<Waiting, 'resolve' | 'reject'>): Promise<void> {
    return new Promise((resolve, reject) => {
      const isFirst = this.stalled === undefined;
      (this.stalled ??= []).push({ ...waiting, resolve, reject });
      if (isFirst) void this.sendAgain();
    });
  }

  private async sendAgain(): Promise<void> {
    const stalled = this.stalled!;
    // Calls that fail together are all here after it.
    await pause(this.pauseMs);
    while (stalled.length > 0) {
      const first = stalled.reduce((one, other) => (other.sequence < one.sequence ? other : one));
      const outcome = await this.attempt(first);
      if (outcome === 'again') await pause(this.pauseMs);
      else stalled.splice(stalled.indexOf(first), 1);
    }
    this.stalled = undefined;
  }

  private async attempt({ encoded, isWanted, resolve, reject }: Waiting): Promise<'ended' | 'again'> {
    if (!isWanted()) {
      reject(new ContractError('unavailable', 'the brokers did not acknowledge the answers before the partition was given up'));
      return 'ended';
    }
    try {
      await this.publish(encoded);
      resolve();
    } catch (thrown) {
      if (isUnavailable(thrown)) return 'again';
      reject(thrown);
    }
    return 'ended';
  }
}

const isUnavailable = (thrown: unknown): boolean => toContractError(thrown).code === 'unavailable';
