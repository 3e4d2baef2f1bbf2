import type { GradientBoostedTrees, TreeNode } from './gradient-boosted-trees.js';

export interface RandomEnsembleShape {
  trees: number;
  /** Branches from root to leaf; every tree is full. */
  depth: number;
  features: number;
  seed: number;
}

/**
 * A full ensemble with random branches and leaves, for benchmarks and tests: the cost of a real one of the same size,
 * without its meaning. Thresholds suit features between -2 and 2. The same shape and seed give the same ensemble.
 */
export function randomTreeEnsemble({ trees, depth, features, seed }: RandomEnsembleShape): GradientBoostedTrees {
  const random = seededRandom(seed);
  const grow = (levels: number): TreeNode => {
    if (levels === 0) return { leaf: (random() - 0.5) * 0.2 };
    return { feature: Math.floor(random() * features), threshold: random() * 4 - 2, left: grow(levels - 1), right: grow(levels - 1) };
  };
  return { trees: Array.from({ length: trees }, () => grow(depth)), features };
}

/** Uniform numbers in [0, 1) from a seed: xorshift32 (Marsaglia, "Xorshift RNGs", 2003). */
export function seededRandom(seed: number): () => number {
  // Zero would stay zero for ever; the odd multiplier spreads neighbouring seeds.
  let state = Math.imul(seed + 1, 0x9e3779b1) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
}
