import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hadChance, stratumOf, weightOf, type Arm } from './arms.js';

/** Arms that share the traffic among them, and what each would decide. */
const world = fc.array(fc.record({ share: fc.integer({ min: 1, max: 20 }), decision: fc.boolean() }), { minLength: 2, maxLength: 5 }).map((all) => {
  const total = all.reduce((sum, { share }) => sum + share, 0);
  return all.map(({ share, decision }, index) => ({ arm: { version: String(index), role: index === 0 ? 'champion' : 'challenger', propensity: share / total } satisfies Arm, decision }));
});

describe('the weight of an answer', () => {
  it('makes the expected reward that of the candidate’s decision, whenever that had a chance, however many arms agree', () => {
    fc.assert(fc.property(world, fc.boolean(), fc.record({ yes: fc.double({ min: -5, max: 5, noNaN: true }), no: fc.double({ min: -5, max: 5, noNaN: true }) }), (arms, decision, reward) => {
      const stratum = stratumOf(arms.map(({ arm }) => arm), undefined, true);
      const decisionOf = (version: string): boolean => arms[Number(version)]!.decision;
      const expected = { weight: 0, reward: 0 };
      for (const { arm, decision: done } of arms) {
        const weight = weightOf({ ...arm, decision: done }, stratum, { version: undefined, decision }, decisionOf)!;
        expected.weight += arm.propensity * weight;
        expected.reward += arm.propensity * weight * (done ? reward.yes : reward.no);
      }
      const isSupported = arms.some((one) => one.decision === decision);
      for (const { arm, decision: done } of arms) expect(hadChance({ ...arm, decision: done }, stratum, { version: undefined, decision }, decisionOf)).toBe(isSupported);
      expect(expected.weight).toBeCloseTo(isSupported ? 1 : 0, 9);
      expect(expected.reward).toBeCloseTo(isSupported ? (decision ? reward.yes : reward.no) : 0, 8);
    }));
  });

  it('of an arm among others that cannot be asked counts its own answers only, and is right as well', () => {
    fc.assert(fc.property(world, (arms) => {
      const { arm: candidate, decision } = arms[1]!;
      const stratum = stratumOf(arms.map(({ arm }) => arm), candidate.version, false);
      const weights = arms.map(({ arm, decision: done }) => weightOf({ ...arm, decision: done }, stratum, { version: candidate.version, decision }, () => undefined)!);
      expect(weights.reduce((sum, weight, index) => sum + weight * arms[index]!.arm.propensity, 0)).toBeCloseTo(1, 9);
      expect(weights.filter((weight) => weight > 0)).toHaveLength(1);
    }));
  });

  it('is 1 or 0 where one version answered everything: what differs from it had no chance', () => {
    const stratum = stratumOf([{ version: '1', role: 'champion', propensity: undefined }], '2', true);
    const done = { version: '1', propensity: undefined, decision: true };
    expect(weightOf(done, stratum, { version: '2', decision: true }, () => undefined)).toBe(1);
    expect(weightOf(done, stratum, { version: '2', decision: false }, () => undefined)).toBe(0);
  });

  it('is unknown where nobody can say how the others would have decided, or who they were', () => {
    const arms = [{ version: '1', role: 'champion', propensity: 0.9 }, { version: '2', role: 'challenger', propensity: 0.1 }];
    const done = { version: '1', propensity: 0.9, decision: true };
    expect(weightOf(done, stratumOf(arms, '3', false), { version: '3', decision: true }, () => true)).toBeUndefined();
    expect(weightOf(done, stratumOf(arms.slice(0, 1), '3', true), { version: '3', decision: true }, () => true)).toBeUndefined();
  });

  it('of versions that take no decisions is that of the version itself', () => {
    const arms = [{ version: '1', role: 'champion', propensity: 0.75 }, { version: '2', role: 'challenger', propensity: 0.25 }];
    const candidate = { version: '2', decision: undefined };
    expect(weightOf({ version: '2', propensity: 0.25, decision: undefined }, stratumOf(arms, '2', false), candidate, () => undefined)).toBe(4);
    expect(weightOf({ version: '1', propensity: 0.75, decision: undefined }, stratumOf(arms, '2', false), candidate, () => undefined)).toBe(0);
  });
});
