import { crc32 } from 'node:zlib';
import { CLUSTERS, logarithmicBin, type Arm, type Measure } from '../domain/evidence.js';
import type { StepContext } from './context.js';
import type { Contribution } from './words.js';

export const HISTOGRAMS = ['latency', 'score', 'score_difference'] as const;
export type HistogramName = (typeof HISTOGRAMS)[number];

export interface SumRow {
  readonly rollout_id: string;
  readonly step: number;
  readonly arm: Arm;
  readonly measure: Measure;
  readonly cluster: number;
  count: number;
  sum: number;
}

export interface BinRow {
  readonly rollout_id: string;
  readonly step: number;
  readonly arm: Arm;
  readonly histogram: HistogramName;
  readonly bin: number;
  count: number;
}

/** Of a shadow's answer and the one that was given. */
export interface Disagreement {
  readonly rolloutId: string;
  readonly step: number;
  readonly predictionId: string;
  readonly championScore: number;
  readonly candidateScore: number;
  /** Candidate minus champion. */
  readonly difference: number;
  /** Absent where the scores decide nothing. */
  readonly decisionsDiffer: boolean | undefined;
  readonly entities: Readonly<Record<string, string>> | undefined;
  readonly occurredAt: string;
}

/**
 * The cluster of a routing key: CRC-32 of its UTF-8, modulo `CLUSTERS`. It has nothing in common with the split, which is by SHA-256 with a salt.
 *
 * @param key the routing key, else the request's id
 */
export const clusterOf = (key: string): number => crc32(key) % CLUSTERS;

/** Squares of sums stay finite. One infinite value would be in its sum for ever, corrected or not, and no guard could see past it. */
const LARGEST = 1e100;
export const bounded = (value: number): number => Math.min(LARGEST, Math.max(-LARGEST, value));

type Step = Pick<StepContext, 'rolloutId' | 'step'>;

/** What a batch adds to the evidence, gathered by the rows it goes to. */
export class Additions {
  private readonly sumRows = new Map<string, SumRow>();
  private readonly binRows = new Map<string, BinRow>();
  readonly disagreements: Disagreement[] = [];

  /** @param times -1 takes back what was added once */
  addValue({ rolloutId, step }: Step, arm: Arm, measure: Measure, cluster: number, given: number, times: 1 | -1 = 1): void {
    const value = bounded(given);
    const key = `${rolloutId} ${step} ${arm} ${measure} ${cluster}`;
    const row = this.sumRows.get(key);
    if (row === undefined) {
      this.sumRows.set(key, { rollout_id: rolloutId, step, arm, measure, cluster, count: times, sum: times * value });
      return;
    }
    row.count += times;
    row.sum += times * value;
  }

  /** @param times -1 takes back what was added once */
  addOutcome({ arm, cluster, amounts, ...at }: Contribution, times: 1 | -1 = 1): void {
    for (const [measure, value] of Object.entries(amounts)) this.addValue(at, arm, measure, cluster, value, times);
  }

  addToBin({ rolloutId, step }: Step, arm: Arm, histogram: HistogramName, value: number): void {
    const bin = logarithmicBin(value);
    const key = `${rolloutId} ${step} ${arm} ${histogram} ${bin}`;
    const row = this.binRows.get(key);
    if (row === undefined) this.binRows.set(key, { rollout_id: rolloutId, step, arm, histogram, bin, count: 1 });
    else row.count += 1;
  }

  /** Sorted, so that two writers lock rows in one order. */
  get sums(): SumRow[] {
    return sorted(this.sumRows);
  }

  get bins(): BinRow[] {
    return sorted(this.binRows);
  }
}

const sorted = <R>(rows: ReadonlyMap<string, R>): R[] => [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
