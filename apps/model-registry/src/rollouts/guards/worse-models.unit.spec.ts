import { describe, expect, it, type TestContext } from 'vitest';
import type { GuardKind, RolloutSpec } from '../domain/spec.js';
import { defaultSpec } from './defaults.js';
import { judge } from './judge.js';
import { EQUAL, rollout, type World } from './testing/simulation.js';

const ROLLOUTS = 20;
const TIMEOUT_MS = 120_000;

/** The default guards and their margins; wrong answers as the loss. */
const base = defaultSpec('canary', 2);
const spec: RolloutSpec = {
  ...base,
  guards: base.guards.map((guard) => (guard.kind === 'quality' ? { ...guard, loss: 'wrong' } : guard)),
  segments: [{ name: 'own', entityRole: 'origin', entityIds: ['SFO'] }],
};
const BUSY: World = { ...EQUAL, keys: 4000, correlation: 0.05, shares: [0.05, 0.25, 0.5], ticksPerStep: 10, perTick: 1000, wrongRate: 0.1 };
/** An eighth of the keys. */
const isSegment = (key: number): boolean => key % 8 === 7;
const onCandidate = (effect: number): World['effect'] => (arm) => (arm === 'candidate' ? effect : 0);

interface Found {
  readonly kind: GuardKind;
  readonly segment: string | undefined;
  readonly answers: number;
}

/** The first verdict that, with hysteresis, rolls the candidate back, and after how many of its answers. */
function firstRollback(world: World, judged: RolloutSpec, seed: number): Found | undefined {
  let inARow = 0;
  for (const { evidence } of rollout(world, seed)) {
    const breached = judge(judged, evidence).filter(({ state }) => state === 'breached');
    inARow = breached.length === 0 ? 0 : inARow + 1;
    if (inARow < judged.consecutiveBreaches) continue;
    // A segment's breach says more than that of the whole.
    const told = breached.find(({ segment }) => segment !== undefined) ?? breached[0]!;
    return { kind: told.guard, segment: told.segment, answers: evidence.steps.reduce((sum, { arms }) => sum + arms.candidate.answers, 0) };
  }
  return undefined;
}

async function expectFound(world: World, judged: RolloutSpec, kinds: readonly GuardKind[], { annotate }: TestContext): Promise<Found[]> {
  const found = Array.from({ length: ROLLOUTS }, (_, seed) => firstRollback(world, judged, seed * 104_729 + 5)).filter((one) => one !== undefined);
  const answers = found.map((one) => one.answers).sort((a, b) => a - b);
  await annotate(`rolled back ${found.length} of ${ROLLOUTS}; answers of the candidate until then: median ${answers[answers.length >> 1]}, 90 % ${answers[Math.floor(answers.length * 0.9)]}`);
  expect(found.length).toBeGreaterThan(0.8 * ROLLOUTS);
  expect(found.filter(({ kind }) => !kinds.includes(kind))).toEqual([]);
  return found;
}

describe('a worse candidate is rolled back by the default guards and margins, in more than four of five rollouts', () => {
  it('that is wrong in five answers of a hundred more', async (test) => {
    await expectFound({ ...BUSY, effect: onCandidate(0.05) }, spec, ['quality'], test);
  }, TIMEOUT_MS);

  it('whose squared error is 1.4 times the champion’s', async (test) => {
    await expectFound({ ...BUSY, effect: onCandidate(0.04 / 0.6) }, base, ['quality'], test);
  }, TIMEOUT_MS);

  it('that is worse in one declared segment only, by that segment’s name', async (test) => {
    const found = await expectFound({ ...BUSY, isSegment, effect: (arm, { key }) => (arm === 'candidate' && isSegment(key) ? 0.15 : 0) }, spec, ['quality'], test);
    expect(found.filter(({ segment }) => segment === 'own').length).toBeGreaterThan(0.8 * ROLLOUTS);
  }, TIMEOUT_MS);

  it('that takes ten times as long', async (test) => {
    await expectFound({ ...BUSY, perTick: 300, latencyFactor: 10 }, spec, ['p99_latency'], test);
  }, TIMEOUT_MS);

  it('whose scores have moved', async (test) => {
    await expectFound({ ...BUSY, scoreShift: 1 }, spec, ['score_shift'], test);
  }, TIMEOUT_MS);
});
