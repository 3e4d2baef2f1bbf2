import { CLUSTERS, type Arm, type Evidence } from '../../domain/evidence.js';
import type { Guard, RolloutSpec } from '../../domain/spec.js';
import { defaultSpec } from '../defaults.js';
import { EvidenceBuilder } from './evidence-builder.js';

export type Random = () => number;

/** Uniform numbers in [0, 1) that depend on the seed alone. mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** The traffic of a rollout and the two versions that answer it. */
export interface World {
  readonly keys: number;
  /** How unequally keys send: 0 all alike, 1 after Zipf. */
  readonly skew: number;
  /** Shares of the candidate by step, ticks a step and predictions a tick. */
  readonly shares: readonly number[];
  readonly ticksPerStep: number;
  readonly perTick: number;
  /** Mean rate of wrong answers, and how much of its variance lies between keys (intraclass correlation). */
  readonly wrongRate: number;
  readonly correlation: number;
  /** What is added to the rate of wrong answers of an arm. */
  readonly effect: (arm: Arm, where: { readonly step: number; readonly key: number }) => number;
  /** Factor on the candidate's latency, and shift of its score. */
  readonly latencyFactor?: number;
  /** Answers in a row that are slow together. */
  readonly burst?: number;
  readonly scoreShift?: number;
  readonly isSegment?: (key: number) => boolean;
}

export const EQUAL: World = {
  keys: 2000, skew: 0.5, shares: [0.01, 0.05, 0.25, 0.5], ticksPerStep: 15, perTick: 200, wrongRate: 0.2, correlation: 0.25, effect: () => 0,
};

interface Key {
  readonly cluster: number;
  /** Where it lies in the split: with the candidate below the share. Steps are nested. */
  readonly place: number;
  readonly rate: number;
  readonly level: number;
}

/** Evidence after every tick, the same growing object each time. */
export function* rollout(world: World, seed: number): Generator<{ step: number; evidence: Evidence }> {
  const random = seeded(seed);
  const keys = Array.from({ length: world.keys }, (): Key => ({ cluster: Math.floor(random() * CLUSTERS), place: random(), rate: rateOfKey(world, random), level: normal(random) }));
  const pick = picker(keys.map((_, index) => (index + 1) ** -world.skew), random);
  const builder = new EvidenceBuilder();
  // Answers are slow together, whoever gives them.
  let slowFor = 0;
  for (const [index, share] of world.shares.entries()) {
    const step = index + 1;
    for (let tick = 0; tick < world.ticksPerStep; tick++) {
      for (let n = 0; n < world.perTick; n++) {
        const key = pick();
        const arm: Arm = keys[key]!.place < share ? 'candidate' : 'champion';
        slowFor = slowFor > 0 ? slowFor - 1 : random() < 0.01 / (world.burst ?? 5) ? (world.burst ?? 5) : 0;
        answer(builder, world, { step, arm, key, of: keys[key]!, isSlow: slowFor > 0 }, random);
      }
      yield { step, evidence: builder.evidence };
    }
  }
}

interface Answer {
  readonly step: number;
  readonly arm: Arm;
  readonly key: number;
  readonly of: Key;
  readonly isSlow: boolean;
}

function answer(to: EvidenceBuilder, world: World, { step, arm, key, of, isSlow }: Answer, random: Random): void {
  const isCandidate = arm === 'candidate';
  const rate = Math.min(1, Math.max(0, of.rate + world.effect(arm, { step, key })));
  const wrong = Number(random() < rate);
  const isError = Number(random() < of.rate / 20);
  const score = 1 / (1 + Math.exp(-(of.level + 0.5 * normal(random) + (isCandidate ? (world.scoreShift ?? 0) : 0))));
  const latencyMs = 5 * Math.exp(0.4 * normal(random)) * (isSlow ? 8 : 1) * (isCandidate ? (world.latencyFactor ?? 1) : 1);
  to.add(step, arm, 'error', of.cluster, isError).add(step, arm, 'fallback', of.cluster, isError).add(step, arm, 'score', of.cluster, score);
  to.add(step, arm, 'wrong', of.cluster, wrong).add(step, arm, 'squared_error', of.cluster, wrong === 1 ? 0.64 : 0.04).add(step, arm, 'value', of.cluster, wrong === 1 ? -50_000 : 10_000);
  if (world.isSegment?.(key)) to.add(step, arm, 'quality/own', of.cluster, wrong);
  to.addToBin(step, arm, 'score', score).addToBin(step, arm, 'latencyMs', latencyMs);
}

/** A key's own rate: all of the mean's or nothing of it, as far as the correlation goes, so that variance between keys is this part of the whole. */
function rateOfKey({ wrongRate, correlation }: World, random: Random): number {
  const spread = Math.sqrt(correlation);
  return random() < wrongRate ? wrongRate + (1 - wrongRate) * spread : wrongRate * (1 - spread);
}

function picker(weights: readonly number[], random: Random): () => number {
  const cumulative = new Float64Array(weights.length);
  let sum = 0;
  for (const [index, weight] of weights.entries()) cumulative[index] = sum += weight;
  return () => {
    const wanted = random() * sum;
    let [low, high] = [0, cumulative.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** A rollout with these guards that goes back at the first breach: the hardest case for its rate of false rollbacks. */
export const watching = (guards: readonly Guard[], strategy: RolloutSpec['strategy'] = 'canary'): RolloutSpec => ({ ...defaultSpec(strategy, 2), guards, consecutiveBreaches: 1 });

/** Every kind, and no margin at all: any sure difference is a breach. */
export const STRICT: readonly Guard[] = [
  { kind: 'error_rate', minSamples: 100, maxIncrease: 0 },
  { kind: 'fallback_rate', minSamples: 100, maxIncrease: 0 },
  { kind: 'p99_latency', minSamples: 100, maxRatio: 1 },
  { kind: 'score_shift', minSamples: 100, maxDistance: 0 },
  { kind: 'quality', minSamples: 100, loss: 'wrong', maxIncrease: 0, segments: true },
  { kind: 'business_value', minSamples: 100, maxLossMicroUsd: 0 },
];

/** Of so many rollouts that go back with this probability, a count that more would exceed only once in a thousand times. */
export function atMost(rollouts: number, rate: number): number {
  let probability = (1 - rate) ** rollouts;
  let cumulative = probability;
  let count = 0;
  for (; cumulative < 0.999; count++) {
    probability *= ((rollouts - count) / (count + 1)) * (rate / (1 - rate));
    cumulative += probability;
  }
  return count;
}
