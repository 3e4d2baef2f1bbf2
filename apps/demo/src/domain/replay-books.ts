import type { Flight } from '../flights/index.js';
import type { ExactFeatures } from './flight-features.js';

/** A prediction the demo asked for, until its story is complete. */
export interface OpenPrediction {
  readonly flight: Flight;
  /** What the features should be. Absent for a request of an earlier run, whose outcome is due in this one. */
  readonly exact: ExactFeatures | undefined;
  isAnswered: boolean;
  isOutcomeSent: boolean;
  isJoined: boolean;
}

export interface Counts {
  readonly requests: number;
  readonly scored: number;
  readonly fallback: number;
  readonly rejected: number;
  readonly outcomes: number;
  readonly joined: number;
}

/**
 * What was sent and what came of it. Holds only what is still open, so that memory follows the flights in the air, not the length of the
 * replay. Copies (everything here is at least once) and other people's predictions count nowhere.
 */
export class ReplayBooks {
  private readonly open = new Map<string, OpenPrediction>();
  private readonly tally = { requests: 0, scored: 0, fallback: 0, rejected: 0, outcomes: 0, joined: 0 };

  get counts(): Counts {
    return { ...this.tally };
  }

  requested(predictionId: string, flight: Flight, exact: ExactFeatures): void {
    this.tally.requests += 1;
    this.open.set(predictionId, { flight, exact, isAnswered: false, isOutcomeSent: false, isJoined: false });
  }

  /** The truth went out; the request perhaps did so in an earlier run. */
  outcomeSent(predictionId: string, flight: Flight, isOfEarlierRun: boolean): void {
    this.tally.outcomes += 1;
    const known = this.open.get(predictionId);
    if (known !== undefined) known.isOutcomeSent = true;
    else if (isOfEarlierRun) this.open.set(predictionId, { flight, exact: undefined, isAnswered: true, isOutcomeSent: true, isJoined: false });
  }

  /** @returns the prediction if this is its first answer */
  scored(predictionId: string, isFallback: boolean): OpenPrediction | undefined {
    const known = this.open.get(predictionId);
    if (known === undefined || known.isAnswered) return undefined;
    this.tally[isFallback ? 'fallback' : 'scored'] += 1;
    known.isAnswered = true;
    this.forgetIfComplete(predictionId, known);
    return known;
  }

  /** A request that was answered with no has no outcome to wait for. */
  rejected(predictionId: string): OpenPrediction | undefined {
    const known = this.open.get(predictionId);
    if (known === undefined || known.isAnswered) return undefined;
    this.tally.rejected += 1;
    this.open.delete(predictionId);
    return known;
  }

  /** @returns the prediction if it was not joined before */
  joined(predictionId: string): OpenPrediction | undefined {
    const known = this.open.get(predictionId);
    if (known === undefined || known.isJoined) return undefined;
    this.tally.joined += 1;
    known.isJoined = true;
    this.forgetIfComplete(predictionId, known);
    return known;
  }

  /** Ids of requests of this run without an answer. */
  unanswered(): string[] {
    return this.idsWhere(({ isAnswered }) => !isAnswered);
  }

  /** Ids of answered predictions whose outcome has not been sent, because the flight is in the air. */
  inTheAir(): string[] {
    return this.idsWhere(({ isAnswered, isOutcomeSent }) => isAnswered && !isOutcomeSent);
  }

  /** Ids of answered predictions whose outcome has been sent but not joined. */
  unjoined(): string[] {
    return this.idsWhere(({ isAnswered, isOutcomeSent, isJoined }) => isAnswered && isOutcomeSent && !isJoined);
  }

  private idsWhere(predicate: (prediction: OpenPrediction) => boolean): string[] {
    return [...this.open].filter(([, prediction]) => predicate(prediction)).map(([id]) => id);
  }

  /** The topics are read independently: the join may be seen before the answer. */
  private forgetIfComplete(predictionId: string, { isAnswered, isJoined }: OpenPrediction): void {
    if (isAnswered && isJoined) this.open.delete(predictionId);
  }
}
