import { describe, expect, it } from 'vitest';
import { clusteredDifference } from '@throughline/stats';
import type { Evidence } from '../domain/evidence.js';
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

type Careless = 'fixedHorizon' | 'unclustered' | 'pooled';
type Counts<Way extends Careless> = Record<Way | 'judge', number>;

/** In how many rollouts the judge, and each of these ways of judging, ever saw a breach. */
function count<Way extends Careless = never>(world: World, judged: typeof spec, firstSeed: number, careless: readonly Way[]): Counts<Way> {
  const counts = Object.fromEntries(['judge', ...careless].map((way) => [way, 0])) as Counts<Way>;
  for (let seed = firstSeed; seed < firstSeed + ROLLOUTS; seed++) {
    const unseen = new Set(careless);
    let isBreached = false;
    for (const { evidence } of rollout(world, seed * 7919 + 3)) {
      isBreached ||= judge(judged, evidence).some(({ state }) => state === 'breached');
      for (const way of unseen.size === 0 ? [] : seenBy(judged, evidence, unseen)) unseen.delete(way);
      if (isBreached && unseen.size === 0) break;
    }
    counts.judge += Number(isBreached);
    for (const way of careless) counts[way] += Number(!unseen.has(way));
  }
  return counts;
}

/** Which of these ways see a breach in wrong answers now. */
function seenBy<Way extends Careless>(judged: typeof spec, evidence: Evidence, ways: ReadonlySet<Way>): Way[] {
  const strata = strataOf(judged, evidence, 'wrong');
  const found = clusteredDifference(strata);
  if (found === undefined || found.first.samples < MIN_SAMPLES) return [];
  const isSeen: Record<Careless, () => boolean> = {
    fixedHorizon: () => breachesAtFixedHorizon(found, RATE),
    unclustered: () => breachesUnclustered(found, MIN_SAMPLES, RATE),
    pooled: () => breachesPooled(strata, MIN_SAMPLES, RATE),
  };
  return [...ways].filter((way) => isSeen[way]());
}

describe(`${ROLLOUTS} rollouts of an equal model, without any margin or hysteresis, judged after every tick`, () => {
  const bound = atMost(ROLLOUTS, RATE);

  it('all guards together roll back not more often than the stated rate, where a fixed-horizon interval and one that ignores keys do', async ({ annotate }) => {
    const counts = count(CORRELATED, spec, 0, ['fixedHorizon', 'unclustered']);
    await annotate(`of ${ROLLOUTS}, at most ${bound} allowed by chance: ${JSON.stringify(counts)}`);
    expect(counts.judge).toBeLessThanOrEqual(bound);
    expect(counts.fixedHorizon).toBeGreaterThan(bound);
    expect(counts.unclustered).toBeGreaterThan(bound);
  }, TIMEOUT_MS);

  it('one guard alone, with all of the rate to itself and independent requests, keeps to it', async ({ annotate }) => {
    const alone = { ...spec, segments: [], guards: [{ kind: 'quality', loss: 'wrong', minSamples: MIN_SAMPLES, maxIncrease: 0, segments: false } as const] };
    const counts = count({ ...EQUAL, ticksPerStep: 10, correlation: 0 }, alone, 1000, ['fixedHorizon']);
    await annotate(JSON.stringify(counts));
    expect(counts.judge).toBeLessThanOrEqual(bound);
    expect(counts.fixedHorizon).toBeGreaterThan(bound);
  }, TIMEOUT_MS);

  it('a base rate that rises while the candidate’s share does is no difference, where steps thrown together see one nearly always', async ({ annotate }) => {
    const alone = { ...spec, segments: [], guards: [{ kind: 'quality', loss: 'wrong', minSamples: MIN_SAMPLES, maxIncrease: 0, segments: false } as const] };
    const counts = count({ ...EQUAL, ticksPerStep: 10, effect: (_arm, { step }) => 0.08 * step }, alone, 2000, ['pooled']);
    await annotate(JSON.stringify(counts));
    expect(counts.judge).toBeLessThanOrEqual(bound);
    expect(counts.pooled).toBeGreaterThan(0.9 * ROLLOUTS);
  }, TIMEOUT_MS);

  it('answers that are slow fifty at a time are no difference in p99', async ({ annotate }) => {
    const alone = { ...spec, segments: [], guards: STRICT.filter(({ kind }) => kind === 'p99_latency') };
    const counts = count({ ...EQUAL, ticksPerStep: 10, burst: 50 }, alone, 3000, []);
    await annotate(JSON.stringify(counts));
    expect(counts.judge).toBeLessThanOrEqual(bound);
  }, TIMEOUT_MS);
});
