import type { Clusters } from '../sequential/clustered-mean.js';

/** Sums of weighted values by cluster: weights wᵢ in `counts`, wᵢ·rᵢ in `sums`. */
export interface WeightedClusters extends Clusters {
  /** Σ wᵢ² over all values. */
  readonly squaredWeights: number;
  /** Values with a weight above 0. */
  readonly samples: number;
}

/** Collects weighted values in memory that does not grow with them. */
export class WeightedSums implements WeightedClusters {
  readonly counts: number[];
  readonly sums: number[];
  squaredWeights = 0;
  samples = 0;

  /** @param clusters values of one cluster, such as of one routing key, may be alike */
  constructor(clusters: number) {
    this.counts = new Array<number>(clusters).fill(0);
    this.sums = new Array<number>(clusters).fill(0);
  }

  /** @param weight at least 0; a value without weight changes nothing */
  add(cluster: number, value: number, weight = 1): void {
    if (!(weight > 0)) return;
    this.counts[cluster]! += weight;
    this.sums[cluster]! += weight * value;
    this.squaredWeights += weight * weight;
    this.samples++;
  }
}
