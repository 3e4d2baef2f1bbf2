import { clusteredMean, effectiveSamples, hajekMean, WeightedSums } from '@throughline/stats';
import { isPositive } from '../../outcomes/domain/declaration.js';
import { ArmTally, type ArmComparison, type ArmReport } from './arm-tally.js';
import { hadChance, weightOf, type Stratum } from './arms.js';
import { CLUSTERS } from './clusters.js';
import { estimateOf, type Estimate } from './estimate.js';
import { decisionOf, rewardOf, targetOf, type JudgedRow, type Measure, type ReadScore } from './judged-row.js';
import { QualitySums, type Quality } from './quality.js';

export interface BacktestReport {
  /** Answers of the period that were read; rejected requests have none. */
  readonly predictions: number;
  readonly scored: number;
  readonly unscored: Readonly<Record<'feature_missing' | 'withheld' | 'erased' | 'model_failed', number>>;
  /** Of the predictions: with a known outcome. */
  readonly labelled: number;
  readonly measure: Measure;
  readonly arms: readonly ArmReport[];
  readonly comparisons: readonly ArmComparison[];
  readonly candidate: CandidateReport;
}

export interface CandidateReport {
  readonly decisions: { readonly agree: number; readonly differ: number; readonly newlyPositive: number; readonly newlyNegative: number };
  readonly meanAbsoluteScoreDifference: number | null;
  readonly quality: Quality;
  /** Of what really answered, on the same predictions. */
  readonly servedQuality: Quality;
  /** If outcomes do not depend on decisions. */
  readonly ifIndependent: {
    readonly assumption: string;
    readonly labelled: number;
    readonly meanReward: number | null;
    readonly servedMeanReward: number | null;
    readonly totalReward: number | null;
    readonly servedTotalReward: number | null;
    /** Candidate minus what was really decided, prediction by prediction. */
    readonly difference: Estimate;
  };
  /** Without that assumption. */
  readonly offPolicy: {
    readonly assumption: string;
    readonly status: 'ok' | 'partial_support' | 'insufficient_data';
    readonly meanReward: Estimate;
    /** What was really earned on average, over the same predictions. */
    readonly servedMeanReward: number | null;
    readonly samples: number;
    readonly effectiveSamples: number;
    /** Share of the requests for which what the candidate would have done had a chance to be done. */
    readonly supportedShare: number | null;
    /** Labelled predictions of which nobody can say with what chance they were decided so. */
    readonly unknownPropensity: number;
  };
}

/** Below, the estimate is one of a part of the requests only. Its interval knows nothing of the rest, so little is enough to miss the truth. */
const FULL_SUPPORT = 0.99;
const IF_INDEPENDENT = 'What came of a request would have come of it under any decision. True of a forecast; untrue where the decision itself changes what happens, or what is seen of it.';
const OFF_POLICY = 'Decisions were taken with the recorded chances, outcomes became known irrespective of who answered, and one request’s decision does not change another’s outcome.';

/** What the candidate would have done, and what that was worth, in memory that does not grow with the predictions. */
export class BacktestTally {
  private predictions = 0;
  private labelled = 0;
  private readonly unscored = { feature_missing: 0, withheld: 0, erased: 0, model_failed: 0 };
  private readonly decisions = { agree: 0, differ: 0, newlyPositive: 0, newlyNegative: 0 };
  private scoreDifference = { sum: 0, count: 0 };
  private readonly candidateQuality = new QualitySums();
  private readonly servedQuality = new QualitySums();
  private readonly paired = new WeightedSums(CLUSTERS);
  private readonly rewards = { candidate: 0, served: 0, count: 0 };
  private readonly offPolicy = new WeightedSums(CLUSTERS);
  private readonly offPolicyRows = { eligible: 0, supported: 0, served: 0, unknown: 0 };
  private readonly arms: ArmTally;

  constructor(private readonly measure: Measure, private readonly candidateVersion: string | undefined) {
    this.arms = new ArmTally(measure);
  }

  /**
   * @param decisionOfArm how another version would have decided this request
   * @returns the row's weight in the off-policy estimate, where it has one
   */
  add(row: JudgedRow, stratum: Stratum | undefined, decisionOfArm: (version: string) => boolean | undefined): number | undefined {
    this.predictions++;
    if (row.truth !== undefined) this.labelled++;
    this.arms.add(row, stratum);
    if (typeof row.candidate === 'string') {
      this.unscored[row.candidate]++;
      this.addUnasked(row, stratum);
      return undefined;
    }
    this.addScored(row, row.candidate);
    return this.addWeighted(row, row.candidate, stratum, decisionOfArm);
  }

  report(): BacktestReport {
    const { predictions, unscored, labelled, measure } = this;
    const scored = predictions - Object.values(unscored).reduce((sum, count) => sum + count, 0);
    return { predictions, scored, unscored: { ...unscored }, labelled, measure, ...this.arms.report(), candidate: this.candidateReport() };
  }

  private addScored({ served, truth, cluster }: JudgedRow, candidate: ReadScore): void {
    if (served !== undefined) this.addDecisions(served, candidate);
    if (truth === undefined) return;
    for (const [sums, read] of [[this.candidateQuality, candidate], [this.servedQuality, served]] as const) {
      const target = read === undefined ? undefined : targetOf(read.reading, truth);
      if (read !== undefined && target !== undefined) sums.add(read.score, decisionOf(read), target, isPositive(read.reading, truth));
    }
    const [own, real] = [rewardOf(candidate, truth, this.measure), served === undefined ? undefined : rewardOf(served, truth, this.measure)];
    if (own === undefined || real === undefined) return;
    this.paired.add(cluster, own - real);
    this.rewards.candidate += own;
    this.rewards.served += real;
    this.rewards.count++;
  }

  /** Where only the candidate's own answers count, those of others count as nothing whether or not it could be asked. */
  private addUnasked({ truth, served, propensity, version, ...row }: JudgedRow, stratum: Stratum | undefined): void {
    if (stratum?.logging !== 'version' || propensity === undefined || version === this.candidateVersion || !this.isPolicy(row)) return;
    const reward = truth === undefined || served === undefined ? undefined : rewardOf(served, truth, this.measure);
    if (reward === undefined) return;
    this.offPolicyRows.eligible++;
    this.offPolicyRows.supported++;
    this.offPolicyRows.served += reward;
  }

  private addDecisions(served: ReadScore, candidate: ReadScore): void {
    this.scoreDifference.sum += Math.abs(candidate.score - served.score);
    this.scoreDifference.count++;
    const [own, real] = [decisionOf(candidate), decisionOf(served)];
    if (own === undefined || real === undefined) return;
    if (own === real) this.decisions.agree++;
    else {
      this.decisions.differ++;
      this.decisions[own ? 'newlyPositive' : 'newlyNegative']++;
    }
  }

  private addWeighted(row: JudgedRow, candidate: ReadScore, stratum: Stratum | undefined, decisionOfArm: (version: string) => boolean | undefined): number | undefined {
    if (row.served === undefined || stratum === undefined || !this.isPolicy(row)) return undefined;
    // An error is that of a score, which no other version would have given alike; rewards of decisions are the same whoever decides.
    const done = (read: ReadScore): boolean | undefined => (this.measure === 'squared_error' ? undefined : decisionOf(read));
    const logged = { version: row.version, propensity: row.propensity, decision: done(row.served) };
    const own = { version: this.candidateVersion, decision: done(candidate) };
    const weight = weightOf(logged, stratum, own, decisionOfArm);
    const reward = row.truth === undefined ? undefined : rewardOf(row.served, row.truth, this.measure);
    if (reward === undefined) return weight;
    if (weight === undefined) {
      this.offPolicyRows.unknown++;
      return undefined;
    }
    this.offPolicyRows.eligible++;
    if (hadChance(logged, stratum, own, decisionOfArm)) this.offPolicyRows.supported++;
    this.offPolicyRows.served += reward;
    this.offPolicy.add(row.cluster, reward, weight);
    return weight;
  }

  /** Whoever pinned a version, and a fallback, did not leave it to the split. */
  private isPolicy({ role, isFallback }: Pick<JudgedRow, 'role' | 'isFallback'>): boolean {
    return !isFallback && (role === 'champion' || role === 'challenger');
  }

  private candidateReport(): CandidateReport {
    const { candidate, served, count } = this.rewards;
    const money = this.measure === 'squared_error' ? undefined : count;
    return {
      decisions: { ...this.decisions }, meanAbsoluteScoreDifference: ratio(this.scoreDifference.sum, this.scoreDifference.count),
      quality: this.candidateQuality.quality(), servedQuality: this.servedQuality.quality(),
      ifIndependent: {
        assumption: IF_INDEPENDENT, labelled: count, meanReward: ratio(candidate, count), servedMeanReward: ratio(served, count),
        totalReward: money === undefined || count === 0 ? null : candidate, servedTotalReward: money === undefined || count === 0 ? null : served,
        difference: estimateOf(clusteredMean([this.paired]), count),
      },
      offPolicy: this.offPolicyReport(),
    };
  }

  private offPolicyReport(): CandidateReport['offPolicy'] {
    const { eligible, supported, served, unknown } = this.offPolicyRows;
    const worth = effectiveSamples(this.offPolicy);
    const meanReward = estimateOf(hajekMean(this.offPolicy), worth);
    const supportedShare = ratio(supported, eligible);
    const status = meanReward.status === 'insufficient_data' ? 'insufficient_data' : supportedShare! < FULL_SUPPORT ? 'partial_support' : 'ok';
    return { assumption: OFF_POLICY, status, meanReward, servedMeanReward: ratio(served, eligible), samples: this.offPolicy.samples, effectiveSamples: worth, supportedShare, unknownPropensity: unknown };
  }
}

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
