import { describe, expect, it } from 'vitest';
import { clusteredDifference } from '@throughline/stats';
import { strataOf } from './arms.js';
import { judge } from './judge.js';
import { breachesAtFixedHorizon, breachesPooled, breachesUnclustered } from './testing/careless.js';
import { atMost, EQUAL, rollout, STRICT, watching, type World } from './testing/simulation.js';

const ROLLOUTS = 200;
const MIN_SAMPLES = 100;
const TIMEOUT_MS = 300_000;
/** Few keys, each with its own rate of wrong answers, looked at forty times: what makes careless statistics see differences. */
const CORRELATED: World = { ...EQUAL, keys: 500, ticksPerStep: 10, isSegment: (key) => key % 4 === 0 };
const spec = { ...watching(STRICT), segments: [{ name: 'own', entityRole: 'origin', entityIds: ['SFO'] }] };
const RATE = spec.falseRollbackRate;

interface Counts {
  judge: number;
  fixedHorizon: number;
  unclustered: number;
  pooled: number;
}

/** In how many rollouts each way of judging ever saw a breach. */
function count(world: World, judged: typeof spec, firstSeed: number): Counts {
  const counts: Counts = { judge: 0, fixedHorizon: 0, unclustered: 0, pooled: 0 };
  for (let seed = firstSeed; seed < firstSeed + ROLLOUTS; seed++) {
    const ever = { judge: false, fixedHorizon: false, unclustered: false, pooled: false };
    for (const { evidence } of rollout(world, seed * 7919 + 3)) {
      ever.judge ||= judge(judged, evidence).some(({ state }) => state === 'breached');
      const strata = strataOf(judged, evidence, 'wrong');
      if ((clusteredDifference(strata)?.first.samples ?? 0) < MIN_SAMPLES) continue;
      ever.fixedHorizon ||= breachesAtFixedHorizon(strata, RATE);
      ever.unclustered ||= breachesUnclustered(strata, MIN_SAMPLES, RATE);
      ever.pooled ||= breachesPooled(strata, MIN_SAMPLES, RATE);
    }
    for (const way of Object.keys(counts) as (keyof Counts)[]) counts[way] += Number(ever[way]);
  }
  return counts;
}

describe(`${ROLLOUTS} rollouts of an equal model, without any margin or hysteresis, judged after every tick`, () => {
  const bound = atMost(ROLLOUTS, RATE);

  it('all guards together roll back not more often than the stated rate, where a fixed-horizon interval and one that ignores keys do', async ({ annotate }) => {
    const counts = count(CORRELATED, spec, 0);
    await annotate(`of ${ROLLOUTS}, at most ${bound} allowed by chance: ${JSON.stringify(counts)}`);
    expect(counts.judge).toBeLessThanOrEqual(bound);
    expect(counts.fixedHorizon).toBeGreaterThan(bound);
    expect(counts.unclustered).toBeGreaterThan(bound);
  }, TIMEOUT_MS);

  it('one guard alone, with all of the rate to itself and independent requests, keeps to it', async ({ annotate }) => {
    const alone = { ...spec, segments: [], guards: [{ kind: 'quality', loss: 'wrong', minSamples: MIN_SAMPLES, maxIncrease: 0, segments: false } as const] };
    const counts = count({ ...EQUAL, ticksPerStep: 10, correlation: 0 }, alone, 1000);
    await annotate(JSON.stringify(counts));
    expect(counts.judge).toBeLessThanOrEqual(bound);
    expect(counts.fixedHorizon).toBeGreaterThan(bound);
  }, TIMEOUT_MS);

  it('a base rate that rises while the candidate’s share does is no difference, where steps thrown together see one nearly always', async ({ annotate }) => {
    const alone = { ...spec, segments: [], guards: [{ kind: 'quality', loss: 'wrong', minSamples: MIN_SAMPLES, maxIncrease: 0, segments: false } as const] };
    const counts = count({ ...EQUAL, ticksPerStep: 10, effect: (_arm, { step }) => 0.08 * step }, alone, 2000);
    await annotate(JSON.stringify(counts));
    expect(counts.judge).toBeLessThanOrEqual(bound);
    expect(counts.pooled).toBeGreaterThan(0.9 * ROLLOUTS);
  }, TIMEOUT_MS);

  it('answers that are slow fifty at a time are no difference in p99', async ({ annotate }) => {
    const alone = { ...spec, segments: [], guards: STRICT.filter(({ kind }) => kind === 'p99_latency') };
    const counts = count({ ...EQUAL, ticksPerStep: 10, burst: 50 }, alone, 3000);
    await annotate(JSON.stringify(counts));
    expect(counts.judge).toBeLessThanOrEqual(bound);
  }, TIMEOUT_MS);
});
