import { ARMS, CLUSTERS, logarithmicBin, type Arm, type Evidence, type Measure } from '../../domain/evidence.js';

type HistogramName = 'latencyMs' | 'score' | 'scoreDifference';
interface MutableArm {
  measures: Record<Measure, { counts: number[]; sums: number[] }>;
  latencyMs: Record<string, number>;
  score: Record<string, number>;
  scoreDifference: Record<string, number>;
  answers: number;
  outcomes: number;
}

/** Evidence as the counting of events makes it, value by value. */
export class EvidenceBuilder {
  private readonly steps: { step: number; arms: Record<Arm, MutableArm> }[] = [];

  /** The same object at every call: it grows. */
  get evidence(): Evidence {
    return { steps: this.steps };
  }

  add(step: number, arm: Arm, measure: Measure, cluster: number, value: number, times = 1): this {
    const sums = (this.arm(step, arm).measures[measure] ??= { counts: new Array<number>(CLUSTERS).fill(0), sums: new Array<number>(CLUSTERS).fill(0) });
    sums.counts[cluster]! += times;
    sums.sums[cluster]! += value * times;
    if (measure === 'error') this.arm(step, arm).answers += times;
    return this;
  }

  addToBin(step: number, arm: Arm, histogram: HistogramName, value: number, times = 1): this {
    const bins = this.arm(step, arm)[histogram];
    const bin = logarithmicBin(value);
    bins[bin] = (bins[bin] ?? 0) + times;
    return this;
  }

  private arm(step: number, arm: Arm): MutableArm {
    let found = this.steps.find((one) => one.step === step);
    if (found === undefined) {
      const empty = (): MutableArm => ({ measures: {}, latencyMs: {}, score: {}, scoreDifference: {}, answers: 0, outcomes: 0 });
      found = { step, arms: Object.fromEntries(ARMS.map((one) => [one, empty()])) as Record<Arm, MutableArm> };
      this.steps.push(found);
    }
    return found.arms[arm];
  }
}
