import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultSpec } from '../guards/defaults.js';
import { decide, isEvaluationDue, WARMING_LIMIT_MS, type Observation, type Rollout } from './rollout.js';
import type { RolloutSpec, Step } from './spec.js';
import type { Verdict } from './verdict.js';

const step = (share: number, more: Partial<Step> = {}): Step => ({ share, minSeconds: 10, minPredictions: 100, minOutcomes: 0, ...more });
const spec = (more: Partial<RolloutSpec> = {}): RolloutSpec => ({ ...defaultSpec('canary', 2), steps: [step(0.1), step(1)], consecutiveBreaches: 2, evaluateEverySeconds: 5, ...more });
const rollout = (more: Partial<Rollout> = {}): Rollout => ({
  id: 'r', model: 'm', champion: 1, spec: spec(), base: { champion: 1, challengers: [], shadows: [] }, status: 'running', step: 1, stepStartedAtMs: 0, startedAtMs: 0, breaches: 0, judgedSamples: 0, judgedAtMs: undefined, ...more,
});
const warm = { waiting: [], warm: ['w1', 'w2'], failed: [] };
const seen = (more: Partial<Observation> = {}): Observation => ({
  nowMs: 20_000, warmth: warm, predictions: 500, outcomes: 0, championAnswers: 500, samples: 1000, verdicts: [], isCaughtUp: true, isBetter: false, ...more,
});
const verdict = (state: Verdict['state']): Verdict => ({ guard: 'error_rate', state, limit: 0.01, samples: { candidate: 500, champion: 500 }, says: 'Errors.' });
const breach = { verdicts: [verdict('breached')] };

describe('the warming', () => {
  const warming = rollout({ status: 'warming', step: 0 });

  it('ends when every worker that is heard has the candidate warm', () => {
    expect(decide(warming, seen())).toMatchObject({ kind: 'advance', step: 1 });
    expect(decide(warming, seen({ warmth: { ...warm, waiting: ['w3'] } }))).toEqual({ kind: 'none' });
    expect(decide(warming, seen({ warmth: { waiting: [], warm: [], failed: [] } }))).toEqual({ kind: 'none' });
  });

  it('of a candidate that a worker cannot load is the end of the rollout', () => {
    const failed = [{ worker: 'w3', code: 'artifact_golden_mismatch', reason: 'row 0' }];
    expect(decide(warming, seen({ warmth: { ...warm, failed } }))).toMatchObject({ kind: 'roll_back', cause: 'artifact', reason: expect.stringContaining('artifact_golden_mismatch') });
  });

  it('of a blue-green waits for figures of the champion, and without traffic a minute', () => {
    const blueGreen = rollout({ status: 'warming', step: 0, spec: spec({ strategy: 'blue_green', steps: [step(1)] }) });
    expect(decide(blueGreen, seen({ championAnswers: 0, nowMs: 59_999 }))).toEqual({ kind: 'none' });
    expect(decide(blueGreen, seen({ championAnswers: 0, nowMs: 60_000 }))).toMatchObject({ kind: 'advance' });
    expect(decide(blueGreen, seen({ championAnswers: 1e6, nowMs: 1 }))).toMatchObject({ kind: 'advance' });
  });
});

describe('a warming that comes to nothing', () => {
  const warming = rollout({ status: 'warming', step: 0 });
  const late = WARMING_LIMIT_MS;

  it('is taken back and says who was waited for, or that nobody said anything', () => {
    expect(decide(warming, seen({ nowMs: late - 1, warmth: { ...warm, waiting: ['w3'] } }))).toEqual({ kind: 'none' });
    expect(decide(warming, seen({ nowMs: late, warmth: { ...warm, waiting: ['w3'] } }))).toMatchObject({ kind: 'roll_back', cause: 'time', reason: expect.stringContaining('w3') });
    expect(decide(warming, seen({ nowMs: late, warmth: { waiting: [], warm: [], failed: [] } }))).toMatchObject({ kind: 'roll_back', cause: 'time', reason: expect.stringContaining('no worker') });
  });

  it('is not taken back by a registry that has just come up, however late: it first hears what the workers hold', () => {
    expect(decide(warming, seen({ nowMs: late, warmth: { waiting: ['?'], warm: [], failed: [], isUnread: true } }))).toEqual({ kind: 'none' });
    expect(decide(warming, seen({ nowMs: late }))).toMatchObject({ kind: 'advance' });
  });
});

describe('a step', () => {
  it('lasts until each of its minimums is reached', () => {
    expect(decide(rollout(), seen({ nowMs: 9_999 })).kind).toBe('judged');
    expect(decide(rollout(), seen({ predictions: 99 })).kind).toBe('judged');
    expect(decide(rollout({ spec: spec({ steps: [step(0.1, { minOutcomes: 5 }), step(1)] }) }), seen({ outcomes: 4 })).kind).toBe('judged');
    expect(decide(rollout(), seen())).toMatchObject({ kind: 'advance', step: 2 });
  });

  it('does not end before all that was published has been counted', () => expect(decide(rollout(), seen({ isCaughtUp: false })).kind).toBe('judged'));
  it('does not end while it is paused', () => expect(decide(rollout({ status: 'paused' }), seen()).kind).toBe('judged'));
  it('that is the last promotes', () => expect(decide(rollout({ step: 2 }), seen())).toMatchObject({ kind: 'promote' }));
  it('that comes to nothing in time is taken back, and says what it lacked', () =>
    expect(decide(rollout({ spec: spec({ endsAfterSeconds: 15 }) }), seen({ predictions: 40 }))).toMatchObject({ kind: 'roll_back', cause: 'time', reason: expect.stringContaining('60 predictions') }));
});

describe('a breach', () => {
  it('takes the rollout back when it is found as often in a row as the spec says, and holds it up meanwhile', () => {
    expect(decide(rollout(), seen(breach))).toEqual({ kind: 'judged', breaches: 1 });
    expect(decide(rollout({ breaches: 1 }), seen(breach))).toMatchObject({ kind: 'roll_back', cause: 'guard', reason: 'Errors.' });
  });

  it('does not keep a rollout beyond its end where nothing new comes: the guards are asked once more instead', () => {
    const over = { nowMs: 60_000, verdicts: undefined };
    const ab = rollout({ breaches: 1, spec: spec({ strategy: 'ab', steps: [step(0.5)], endsAfterSeconds: 60, atEnd: 'report' }) });
    expect(decide(ab, seen({ ...over, nowMs: 59_999 })).kind).toBe('none');
    expect(decide(ab, seen(over)).kind).toBe('finish');
    expect(decide(ab, seen({ ...over, ...breach })).kind).toBe('roll_back');
  });

  it('that is gone at the next look is forgotten', () => expect(decide(rollout({ breaches: 1 }), seen({ verdicts: [verdict('ok')] }))).toEqual({ kind: 'judged', breaches: 0 }));
  it('takes a paused rollout back too', () => expect(decide(rollout({ status: 'paused', breaches: 1 }), seen(breach)).kind).toBe('roll_back'));
  it('counts before a promotion', () => expect(decide(rollout({ step: 2, spec: spec({ consecutiveBreaches: 1 }) }), seen(breach)).kind).toBe('roll_back'));
});

describe('an A/B', () => {
  const ab = (more: Partial<RolloutSpec> = {}) => rollout({ spec: spec({ strategy: 'ab', steps: [step(0.5)], endsAfterSeconds: 60, atEnd: 'promote_if_better', ...more }) });

  it('ends at its end and not before', () => {
    expect(decide(ab(), seen({ nowMs: 59_999 })).kind).toBe('judged');
    expect(decide(ab(), seen({ nowMs: 60_000 })).kind).toBe('finish');
  });
  it('promotes what is better, if it was told to', () => {
    expect(decide(ab(), seen({ nowMs: 60_000, isBetter: true })).kind).toBe('promote');
    expect(decide(ab({ atEnd: 'report' }), seen({ nowMs: 60_000, isBetter: true })).kind).toBe('finish');
  });
});

describe('guards', () => {
  it('are asked at their interval and only about something new', () => {
    expect(isEvaluationDue(rollout(), 1, 0)).toBe(true);
    expect(isEvaluationDue(rollout({ judgedAtMs: 0, judgedSamples: 1 }), 1, 60_000)).toBe(false);
    expect(isEvaluationDue(rollout({ judgedAtMs: 0, judgedSamples: 1 }), 2, 4_999)).toBe(false);
    expect(isEvaluationDue(rollout({ judgedAtMs: 0, judgedSamples: 1 }), 2, 5_000)).toBe(true);
    expect(isEvaluationDue(rollout({ judgedAtMs: 3_600_000, judgedSamples: 1 }), 2, 0), 'the clock was set back').toBe(true);
    expect(isEvaluationDue(rollout({ status: 'warming', step: 0 }), 5, 60_000)).toBe(false);
  });
});

describe('whatever is seen', () => {
  const observations = fc.record({
    nowMs: fc.nat(1e6), predictions: fc.nat(1000), outcomes: fc.nat(1000), championAnswers: fc.nat(1000), samples: fc.nat(10_000), isCaughtUp: fc.boolean(), isBetter: fc.boolean(),
    warmth: fc.constantFrom(warm, { ...warm, waiting: ['w'] }, { waiting: ['w'], warm: [], failed: [] }, { ...warm, failed: [{ worker: 'w', code: 'x', reason: 'y' }] }),
    verdicts: fc.option(fc.array(fc.constantFrom('ok', 'breached', 'insufficient_data').map((state) => verdict(state as Verdict['state'])), { maxLength: 3 }), { nil: undefined }),
  });
  const rollouts = fc.record({ status: fc.constantFrom('warming', 'running', 'paused'), step: fc.integer({ min: 1, max: 2 }), breaches: fc.nat(1), strategy: fc.constantFrom('canary', 'ab', 'shadow', 'blue_green') });

  it('nothing is promoted in the face of a breach, and a step is never left out', () => {
    fc.assert(fc.property(rollouts, observations, ({ status, step: at, breaches, strategy }, observation) => {
      const subject = rollout({ status: status as Rollout['status'], step: status === 'warming' ? 0 : at, breaches, spec: spec({ strategy: strategy as RolloutSpec['strategy'], steps: strategy === 'canary' ? [step(0.1), step(1)] : [step(0.5)], endsAfterSeconds: 100 }) });
      if (subject.step > subject.spec.steps.length) return;
      const decision = decide(subject, observation);
      const isBreached = observation.verdicts?.some(({ state }) => state === 'breached') === true;
      if (isBreached && subject.step > 0) expect(['judged', 'roll_back']).toContain(decision.kind);
      if (decision.kind === 'advance') expect(decision.step).toBe(subject.step + 1);
      if (decision.kind === 'promote') expect(subject.step).toBe(subject.spec.steps.length);
    }));
  });
});
