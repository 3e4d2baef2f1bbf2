import { ARMS, CLUSTERS, type ArmEvidence, type Evidence, type Histogram, type StepEvidence } from '../../domain/evidence.js';
import type { Additions, HistogramName } from '../additions.js';

/** The evidence that additions make, without a database. */
export function evidenceOf({ sums, bins }: Additions): Evidence {
  const numbers = [...new Set([...sums, ...bins].map(({ step }) => step))].sort((a, b) => a - b);
  return {
    steps: numbers.map((step): StepEvidence => ({
      step,
      arms: Object.fromEntries(ARMS.map((arm) => {
        const own = sums.filter((row) => row.step === step && row.arm === arm);
        const histogram = (name: HistogramName): Histogram => Object.fromEntries(bins.filter((row) => row.step === step && row.arm === arm && row.histogram === name).map(({ bin, count }) => [bin, count]));
        const total = (measure: string): number => own.filter((row) => row.measure === measure).reduce((sum, { count }) => sum + count, 0);
        const measures: Record<string, { counts: number[]; sums: number[] }> = {};
        for (const { measure, cluster, count, sum } of own.filter((row) => row.measure !== 'outcome')) {
          measures[measure] ??= { counts: new Array<number>(CLUSTERS).fill(0), sums: new Array<number>(CLUSTERS).fill(0) };
          measures[measure].counts[cluster]! += count;
          measures[measure].sums[cluster]! += sum;
        }
        const evidence: ArmEvidence & { answers: number; outcomes: number } = {
          measures, latencyMs: histogram('latency'), score: histogram('score'), scoreDifference: histogram('score_difference'), answers: total('error'), outcomes: total('outcome'),
        };
        return [arm, evidence];
      })) as unknown as StepEvidence['arms'],
    })),
  };
}
