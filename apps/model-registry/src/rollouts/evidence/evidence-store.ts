import { query } from '@throughline/db';
import type { DataSource } from 'typeorm';
import { ARMS, CLUSTERS, type Arm, type ClusterSums, type Evidence, type StepEvidence } from '../domain/evidence.js';
import type { Disagreement, HistogramName } from './additions.js';

interface SumsRow {
  readonly step: number;
  readonly arm: Arm;
  readonly measure: string;
  readonly clusters: number[];
  readonly counts: number[];
  readonly sums: number[];
}

interface BinsRow {
  readonly step: number;
  readonly arm: Arm;
  readonly histogram: HistogramName;
  readonly bins: Record<string, number>;
}

/** Counts outcomes; it is no measure of anything. */
const OUTCOME = 'outcome';

/** How many answers and outcomes have been counted in a step. */
export interface StepTotals {
  readonly step: number;
  readonly champion: ArmTotals;
  readonly candidate: ArmTotals;
}

interface ArmTotals {
  readonly answers: number;
  readonly outcomes: number;
}

const totalOf = (arm: Arm, measure: string): string => `coalesce(sum(count) FILTER (WHERE arm = '${arm}' AND measure = '${measure}'), 0)::float8`;
const TOTALS_SQL = `
  SELECT step, ${totalOf('champion', 'error')} AS champion_answers, ${totalOf('champion', OUTCOME)} AS champion_outcomes,
    ${totalOf('candidate', 'error')} AS candidate_answers, ${totalOf('candidate', OUTCOME)} AS candidate_outcomes
  FROM rollout_sums WHERE rollout_id = $1 AND measure IN ('error', '${OUTCOME}') GROUP BY step ORDER BY step`;

/** What rollouts have seen so far. */
export class EvidenceStore {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * All evidence of a rollout, of one moment. `answers` are answers of the arm, of a shadow's candidate those it would have given.
   *
   * @returns a step for each that the rollout has reached, in order; none for a rollout that nobody knows
   */
  async read(rolloutId: string): Promise<Evidence> {
    return this.dataSource.transaction('REPEATABLE READ', async (manager) => {
      const steps = await query<{ step: number }>(manager, 'SELECT step FROM rollout_steps WHERE rollout_id = $1 ORDER BY step', [rolloutId]);
      const sums = await query<SumsRow>(
        manager,
        `SELECT step, arm, measure, array_agg(cluster) AS clusters, array_agg(count::float8) AS counts, array_agg(sum) AS sums FROM rollout_sums WHERE rollout_id = $1
         GROUP BY step, arm, measure ORDER BY step, arm, measure`,
        [rolloutId],
      );
      const bins = await query<BinsRow>(
        manager,
        `SELECT step, arm, histogram, jsonb_object_agg(bin, count) AS bins FROM rollout_bins WHERE rollout_id = $1 GROUP BY step, arm, histogram`,
        [rolloutId],
      );
      return { steps: steps.map(({ step }) => stepOf(step, sums.filter((row) => row.step === step), bins.filter((row) => row.step === step))) };
    });
  }

  /** Answers and outcomes of each arm, by step: what a look at a rollout needs, without the evidence itself. */
  async totals(rolloutId: string): Promise<StepTotals[]> {
    const rows = await query<{ step: number; champion_answers: number; champion_outcomes: number; candidate_answers: number; candidate_outcomes: number }>(this.dataSource, TOTALS_SQL, [rolloutId]);
    return rows.map((row) => ({
      step: row.step,
      champion: { answers: row.champion_answers, outcomes: row.champion_outcomes },
      candidate: { answers: row.candidate_answers, outcomes: row.candidate_outcomes },
    }));
  }

  /** The comparisons of a shadow with the largest difference of scores, largest first. */
  async disagreements(rolloutId: string, limit: number): Promise<Disagreement[]> {
    const rows = await query<{
      step: number; prediction_id: string; champion_score: number; candidate_score: number; difference: number; decisions_differ: boolean | null; entities: Record<string, string> | null; occurred_at: Date;
    }>(this.dataSource, 'SELECT * FROM rollout_disagreements WHERE rollout_id = $1 ORDER BY abs(difference) DESC, prediction_id LIMIT $2', [rolloutId, limit]);
    return rows.map((row) => ({
      rolloutId, step: row.step, predictionId: row.prediction_id, championScore: row.champion_score, candidateScore: row.candidate_score, difference: row.difference,
      decisionsDiffer: row.decisions_differ ?? undefined, entities: row.entities ?? undefined, occurredAt: row.occurred_at.toISOString(),
    }));
  }
}

function stepOf(step: number, sums: readonly SumsRow[], bins: readonly BinsRow[]): StepEvidence {
  const arms = ARMS.map((arm) => {
    const histogram = (name: HistogramName) => bins.find((row) => row.arm === arm && row.histogram === name)?.bins ?? {};
    const ofArm = sums.filter((row) => row.arm === arm);
    const measures = Object.fromEntries(ofArm.filter(({ measure }) => measure !== OUTCOME).map((row) => [row.measure, clusterSums(row)]));
    const total = (measure: string): number => ofArm.find((row) => row.measure === measure)?.counts.reduce((sum, count) => sum + count, 0) ?? 0;
    return [arm, { measures, latencyMs: histogram('latency'), score: histogram('score'), scoreDifference: histogram('score_difference'), answers: total('error'), outcomes: total(OUTCOME) }];
  });
  return { step, arms: Object.fromEntries(arms) as StepEvidence['arms'] };
}

function clusterSums({ clusters, counts, sums }: SumsRow): ClusterSums {
  const all = { counts: new Array<number>(CLUSTERS).fill(0), sums: new Array<number>(CLUSTERS).fill(0) };
  clusters.forEach((cluster, index) => {
    all.counts[cluster] = counts[index]!;
    all.sums[cluster] = sums[index]!;
  });
  return all;
}
