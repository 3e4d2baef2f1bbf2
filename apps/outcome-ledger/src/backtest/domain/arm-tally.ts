import { hajekDifference, hajekMean, WeightedSums } from '@throughline/stats';
import { estimateOf, type Estimate } from './estimate.js';
import { CLUSTERS } from './clusters.js';
import { decisionOf, rewardOf, targetOf, type JudgedRow, type Measure } from './judged-row.js';
import { isPositive } from '../../outcomes/domain/declaration.js';
import { QualitySums, type Quality } from './quality.js';
import type { Stratum } from './arms.js';

/** One version in one role, as it really answered. */
export interface ArmReport {
  readonly version: string;
  readonly role: string;
  readonly fallback: boolean;
  readonly predictions: number;
  readonly labelled: number;
  /** Of the predictions for which several shared the traffic. */
  readonly meanPropensity: number | null;
  readonly quality: Quality;
  /** As its joins say; null where none has a value. */
  readonly valueMicroUsd: number | null;
  readonly valuedPredictions: number;
  /** Mean reward, unweighted: not to be compared between arms whose shares have moved. */
  readonly meanReward: number | null;
}

/** A challenger against the champion beside it, where both had a share of the traffic. */
export interface ArmComparison {
  readonly challenger: string;
  readonly champion: string;
  readonly labelled: { readonly challenger: number; readonly champion: number };
  readonly effectiveSamples: { readonly challenger: number; readonly champion: number };
  /** Means of the challenger and the champion, each answer weighted by one over its chance. */
  readonly weightedMean: { readonly challenger: number | null; readonly champion: number | null };
  readonly difference: Estimate;
  /** What the plain means would say: misleading where shares and rewards have moved together. */
  readonly pooledDifference: number | null;
}

class ArmSums {
  readonly quality = new QualitySums();
  predictions = 0;
  labelled = 0;
  propensitySum = 0;
  shared = 0;
  valueMicroUsd = 0;
  valued = 0;
  rewardSum = 0;
  rewarded = 0;

  constructor(readonly version: string, readonly role: string, readonly isFallback: boolean) {}

  report(): ArmReport {
    const { version, role, isFallback: fallback, predictions, labelled } = this;
    return {
      version, role, fallback, predictions, labelled, meanPropensity: this.shared === 0 ? null : this.propensitySum / this.shared, quality: this.quality.quality(),
      valueMicroUsd: this.valued === 0 ? null : this.valueMicroUsd, valuedPredictions: this.valued, meanReward: this.rewarded === 0 ? null : this.rewardSum / this.rewarded,
    };
  }
}

interface Pair {
  readonly challenger: Side;
  readonly champion: Side;
}
class Side {
  readonly weighted = new WeightedSums(CLUSTERS);
  readonly pooled = new WeightedSums(CLUSTERS);
}

/** A bound on what a period of many short rollouts takes. */
const MAX_PAIRS = 50;

/** What really happened, arm by arm. */
export class ArmTally {
  private readonly arms = new Map<string, ArmSums>();
  private readonly pairs = new Map<string, Pair & { readonly names: readonly [string, string] }>();

  constructor(private readonly measure: Measure) {}

  add(row: JudgedRow, stratum: Stratum | undefined): void {
    const arm = this.armOf(row);
    arm.predictions++;
    if (row.propensity !== undefined) {
      arm.propensitySum += row.propensity;
      arm.shared++;
    }
    if (row.truth === undefined) return;
    arm.labelled++;
    if (row.recordedValueMicroUsd !== undefined) {
      arm.valueMicroUsd += row.recordedValueMicroUsd;
      arm.valued++;
    }
    if (row.served === undefined) return;
    const { served, truth } = row;
    const target = targetOf(served.reading, truth);
    if (target !== undefined) arm.quality.add(served.score, decisionOf(served), target, isPositive(served.reading, truth));
    const reward = rewardOf(served, truth, this.measure);
    if (reward === undefined) return;
    arm.rewardSum += reward;
    arm.rewarded++;
    if (!row.isFallback && row.propensity !== undefined && stratum !== undefined) this.compare(row, row.propensity, stratum, reward);
  }

  report(): { arms: ArmReport[]; comparisons: ArmComparison[] } {
    const arms = [...this.arms.values()].map((arm) => arm.report()).sort((a, b) => b.predictions - a.predictions);
    return { arms, comparisons: [...this.pairs.values()].map(comparisonOf) };
  }

  private armOf({ version, role, isFallback }: JudgedRow): ArmSums {
    const key = `${version}\n${role}\n${isFallback}`;
    let arm = this.arms.get(key);
    if (arm === undefined) this.arms.set(key, (arm = new ArmSums(version, role, isFallback)));
    return arm;
  }

  private compare({ version, role, cluster }: JudgedRow, propensity: number, { arms }: Stratum, reward: number): void {
    const champion = arms.find((arm) => arm.role === 'champion')?.version;
    if (champion === undefined) return;
    const challengers = role === 'challenger' ? [version] : role === 'champion' ? arms.filter((arm) => arm.role === 'challenger').map((arm) => arm.version) : [];
    for (const challenger of challengers) {
      const side = this.pairOf(challenger, champion)?.[role as 'challenger' | 'champion'];
      side?.weighted.add(cluster, reward, 1 / propensity);
      side?.pooled.add(cluster, reward);
    }
  }

  private pairOf(challenger: string, champion: string): Pair | undefined {
    const key = `${challenger}\n${champion}`;
    let pair = this.pairs.get(key);
    if (pair === undefined && this.pairs.size < MAX_PAIRS) this.pairs.set(key, (pair = { names: [challenger, champion], challenger: new Side(), champion: new Side() }));
    return pair;
  }
}

function comparisonOf({ names: [challenger, champion], ...pair }: Pair & { readonly names: readonly [string, string] }): ArmComparison {
  const [first, second] = [hajekMean(pair.challenger.weighted), hajekMean(pair.champion.weighted)];
  const [samples, others] = [first?.effectiveSamples ?? 0, second?.effectiveSamples ?? 0];
  const [pooled, pooledOther] = [hajekMean(pair.challenger.pooled)?.value, hajekMean(pair.champion.pooled)?.value];
  return {
    challenger, champion, labelled: { challenger: first?.samples ?? 0, champion: second?.samples ?? 0 }, effectiveSamples: { challenger: samples, champion: others },
    weightedMean: { challenger: first?.value ?? null, champion: second?.value ?? null },
    difference: estimateOf(hajekDifference(pair.challenger.weighted, pair.champion.weighted), Math.min(samples, others)),
    pooledDifference: pooled === undefined || pooledOther === undefined ? null : pooled - pooledOther,
  };
}
