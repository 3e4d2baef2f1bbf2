import { STAGES } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDuration, mergeDurations, noDurations, quantileMs, shareOver, type DurationSketch } from './duration-sketch.js';
import { addServing, countAnswer, fallbackShare, latencyOf, noAnswers, type Service, type ServingCounts } from './serving.js';

const sketchOf = (durations: readonly number[]): DurationSketch => {
  const sketch = noDurations();
  for (const duration of durations) addDuration(sketch, duration);
  return sketch;
};
const durations = fc.array(fc.double({ min: 1e-3, max: 1e7, noNaN: true }), { minLength: 1, maxLength: 200 });

describe('a sketch of durations', () => {
  it('tells any quantile to within 2.5 %', () =>
    fc.assert(fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, q) => {
      const exact = values.toSorted((a, b) => a - b)[Math.ceil(q * values.length) - 1]!;
      expect(Math.abs(quantileMs(sketchOf(values), q)! / exact - 1)).toBeLessThanOrEqual(0.025);
    })));

  it('of two halves is that of the whole, in JSON too', () =>
    fc.assert(fc.property(durations, durations, (a, b) => {
      const merged = mergeDurations(JSON.parse(JSON.stringify(sketchOf(a))) as DurationSketch, sketchOf(b));
      const whole = sketchOf([...a, ...b]);
      expect({ ...merged, sumMs: 0 }).toEqual({ ...whole, sumMs: 0 });
      expect(merged.sumMs).toBeCloseTo(whole.sumMs, 3);
    })));

  it('takes what two clocks made negative for nothing', () => expect(quantileMs(sketchOf([-3, 0, 0]), 0.99)).toBe(0));
  it('of nothing has no quantile', () => expect(quantileMs(noDurations(), 0.5)).toBeUndefined());
  it('tells the share above a limit', () => expect(shareOver(sketchOf([1, 2, 3, 10]), 2.5)).toBe(0.5));
});

const answer = (change: Partial<Service> = {}): Service => ({ role: 'champion', lane: 'stream', fallback: undefined, stagesMs: { queue: 1, inference: 2, publish: 1 }, totalMs: 4, ...change });
const countsOf = (answers: readonly Service[]): ServingCounts => {
  const counts = noAnswers();
  for (const one of answers) countAnswer(counts, one);
  return counts;
};

describe('how a model is served', () => {
  it('has fallbacks as a share of what the champion should have answered', () => {
    const counts = countsOf([answer(), answer({ fallback: 'constant' }), answer({ fallback: 'constant' }), answer({ fallback: 'rules' }), answer({ role: 'challenger' })]);
    expect([fallbackShare(counts), counts.fallbacks]).toEqual([0.75, { constant: 2, rules: 1 }]);
    expect(fallbackShare(noAnswers())).toBeNull();
  });

  it('leaves the waiting of the batch lane out, and its fallbacks in', () => {
    const counts = countsOf([answer({ lane: 'batch', fallback: 'rules', stagesMs: { queue: 60_000 }, totalMs: 60_000 }), answer()]);
    expect(latencyOf(counts, {})).toMatchObject({ answers: 1, total: { p99Ms: expect.closeTo(4, 0) } });
    expect(fallbackShare(counts)).toBe(0.5);
  });

  it('shows the stages in their order, what nobody measured left out', () =>
    expect(latencyOf(countsOf([answer({ stagesMs: { publish: 1, transport: 2, postprocess: 0.1 } })]), {}).stages.map(({ stage }) => stage)).toEqual(['transport', 'postprocess', 'publish']));

  it('names the stage that takes most of its budget, however small its part in the whole', () => {
    const answers = Array.from({ length: 100 }, (_, index) => answer({ stagesMs: { transport: 50, queue: index < 10 ? 8 : 1, inference: 2 } }));
    const { stages, worstStage } = latencyOf(countsOf(answers), { queue: 5, inference: 4 });
    expect(stages.find(({ stage }) => stage === 'queue')).toMatchObject({ budgetMs: 5, shareOverBudget: 0.1, p50Ms: expect.closeTo(1, 1), p99Ms: expect.closeTo(8, 0) });
    expect(stages.find(({ stage }) => stage === 'transport')).not.toHaveProperty('budgetMs');
    expect(worstStage).toEqual({ stage: 'queue', summary: expect.stringMatching(/^queue takes most of its budget: \S+ ms at the 99th percentile are 1\d\d % of the 5 ms allowed; 10 % of the answers took longer\.$/) });
  });

  it('names the stage that takes most of the time where no budget is declared', () =>
    expect(latencyOf(countsOf([answer()]), {}).worstStage).toEqual({ stage: 'inference', summary: expect.stringMatching(/^inference takes 50 % of the time: .* no budget is declared\.$/) }));

  it('names none when nothing was measured', () => expect(latencyOf(noAnswers(), { queue: 1 })).toEqual({ answers: 0, stages: [] }));

  it('merges windows as if all had been counted in one', () => {
    const some = fc.array(fc.record({ stage: fc.constantFrom(...STAGES), ms: fc.integer({ min: 1, max: 1000 }), fallback: fc.constantFrom(undefined, 'rules', 'constant') }));
    fc.assert(fc.property(some, some, (a, b) => {
      const answers = (list: typeof a): Service[] => list.map(({ stage, ms, fallback }) => answer({ stagesMs: { [stage]: ms }, totalMs: ms, fallback }));
      expect(addServing(countsOf(answers(a)), countsOf(answers(b)))).toEqual(countsOf(answers([...a, ...b])));
    }));
  });
});
