import { hash } from 'node:crypto';

/** A challenger's part of the traffic. */
export interface Arm {
  /** Of the traffic, 0 to 1. */
  readonly share: number;
}

/**
 * Where a key stands in a rollout: uniform in [0, 1), the same in every worker and every language.
 *
 *     point = (first 8 bytes of SHA-256(salt + "\n" + key), big-endian, without their lowest 11 bits) / 2^53
 *
 * 53 bits are what a double holds exactly. Vectors: `split-vectors.json`, made by `make_split_vectors.py`.
 *
 * @param salt of the rollout: another salt deals all keys anew
 */
export function splitPoint(salt: string, key: string): number {
  const digest = hash('sha256', `${salt}\n${key}`, 'buffer');
  return (digest.readUInt32BE(0) * 2 ** 21 + (digest.readUInt32BE(4) >>> 11)) / 2 ** 53;
}

/**
 * The arm whose interval holds the point; `undefined` is the champion, who has what is left. Intervals lie one after the other from 0, in
 * the order of the arms, so that steps are nested: raising an arm's share moves no key out of it. It does move the intervals of arms
 * listed after it: grow the last one first, or run one challenger at a time.
 */
export function armAt<A extends Arm>(arms: readonly A[], point: number): A | undefined {
  let end = 0;
  for (const arm of arms) {
    end += arm.share;
    if (point < end) return arm;
  }
  return undefined;
}
