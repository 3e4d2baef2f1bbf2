import { auc, freezeNumericProfile, freezeCategoricalProfile, emptySetLike, observe, type ProfileSet } from '@throughline/stats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alertOf } from './alert.js';
import { judgeData } from './data-drift.js';
import { beginningAlarms, muteAllBut, type Judgement } from './judgement.js';
import { addQuality, countOutcome, judgeQuality, noOutcomes, qualityOf, type JoinedOutcome, type QualityCounts } from './quality.js';
import { DEFAULT_THRESHOLDS, monitoringInForce } from './monitoring.js';
import { always, byWindow, followedBy, isReadUntil, windowOf, type WindowLength } from './windows.js';

/** Deterministic standard normal values (Box-Muller over a linear congruential generator). */
function normals(count: number, seed: number, shift = 0): number[] {
  let state = seed;
  const uniform = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31 || 1e-9;
  return Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()) + shift);
}
const baseline: ProfileSet = {
  rowCount: 20_000,
  features: { delay: freezeNumericProfile(normals(20_000, 1)), carrier: freezeCategoricalProfile(Array.from({ length: 20_000 }, (_, index) => 'abc'[index % 3]!)) },
  outputs: { score: freezeNumericProfile(normals(20_000, 2)) },
};
function windowWith(delays: (number | null)[], carriers: string[], scores: number[]): ProfileSet {
  const window = emptySetLike(baseline);
  for (const value of delays) observe(window.features['delay']!, value);
  for (const value of carriers) observe(window.features['carrier']!, value);
  for (const value of scores) observe(window.outputs['score']!, value);
  return window;
}
const abc = (count: number, letters = 'abc') => Array.from({ length: count }, (_, index) => letters[index % letters.length]!);
const verdicts = (judgements: readonly Judgement[]) => Object.fromEntries(judgements.map(({ subject, verdict }) => [subject, verdict]));

describe('given a baseline, when a window is judged', () => {
  it('then the same distribution is ok', () => {
    expect(verdicts(judgeData(baseline, windowWith(normals(3000, 3), abc(3000), normals(3000, 4))))).toEqual({ delay: 'ok', carrier: 'ok', score: 'ok' });
  });

  it('then a shifted feature, other categories and shifted scores have drifted, each under its kind', () => {
    const judgements = judgeData(baseline, windowWith(normals(3000, 3, 0.5), abc(3000, 'aab'), normals(3000, 4, -0.5)));
    expect(judgements.map(({ kind, subject, verdict }) => [kind, subject, verdict])).toEqual([
      ['data_drift', 'delay', 'drifted'], ['data_drift', 'carrier', 'drifted'], ['prediction_drift', 'score', 'drifted'],
    ]);
    expect(judgements[0]!.evidence).toMatchObject({ ksDistance: expect.closeTo(0.19, 1), psi: expect.closeTo(0.25, 1) });
  });

  it('then a significant trifle is ok', () => {
    const [delay] = judgeData(baseline, windowWith(normals(100_000, 3, 0.05), [], []));
    expect(delay!.evidence['pValue']).toBeLessThan(0.001);
    expect(delay!.verdict).toBe('ok');
  });

  it.each([['no value at all', 1], ['a tenth more missing', 0.1]])('then a feature with %s has drifted', (_, share) => {
    const delays = normals(3000, 3).map((value, index) => (index % 10 < share * 10 ? null : value));
    const [delay] = judgeData(baseline, windowWith(delays, abc(3000), []));
    expect(delay).toMatchObject({ verdict: 'drifted', sampleCount: 3000, evidence: { missingShare: expect.closeTo(share, 5), baselineMissingShare: 0 } });
  });

  it('then categories nobody has seen before are drift, even if the known ones keep their shares', () => {
    expect(verdicts(judgeData(baseline, windowWith(normals(3000, 3), [...abc(2400), ...abc(600, 'xyz')], normals(3000, 4))))).toEqual({ delay: 'ok', carrier: 'drifted', score: 'ok' });
  });

  it('then false alarms are as rare as promised', () => {
    const drifted = Array.from({ length: 200 }, (_, run) => judgeData(baseline, windowWith(normals(500, 100 + run), abc(500), normals(500, 900 + run)))).filter((judgements) => judgements.some(({ verdict }) => verdict === 'drifted'));
    expect(drifted.length).toBeLessThanOrEqual(200 * 0.05);
  });

  it('then too few values, or none, are insufficient data and never ok', () => {
    expect(new Set(Object.values(verdicts(judgeData(baseline, windowWith(normals(100, 3), abc(20), [])))))).toEqual(new Set(['insufficient_data']));
  });
});

describe('given a policy', () => {
  const few = () => windowWith(normals(200, 3, 0.5), abc(200, 'aab'), normals(200, 4, -0.5));

  it('what it leaves out is as the settings and the defaults have it', () => {
    expect(monitoringInForce({}, 60)).toEqual({ windowSeconds: { data: 60, quality: 60 }, alarms: ['data_drift', 'prediction_drift', 'quality'], ...DEFAULT_THRESHOLDS });
    expect(monitoringInForce({ windowSeconds: { quality: 5 }, alarms: [], minSamples: { auc: 50 } }, 60)).toMatchObject({ windowSeconds: { data: 60, quality: 5 }, alarms: [], minSamples: { auc: 50, numeric: 300 } });
  });

  it('a window of traffic is judged by its least samples and effects', () => {
    expect(new Set(Object.values(verdicts(judgeData(baseline, few()))))).toEqual(new Set(['insufficient_data']));
    expect(verdicts(judgeData(baseline, few(), monitoringInForce({ minSamples: { numeric: 100, categorical: 100 } }, 60)))).toEqual({ delay: 'drifted', carrier: 'drifted', score: 'drifted' });
    const lenient = monitoringInForce({ minSamples: { numeric: 100, categorical: 100 }, minEffect: { distance: 0.9 } }, 60);
    const judgements = judgeData(baseline, few(), lenient);
    expect(verdicts(judgements)).toEqual({ delay: 'ok', carrier: 'ok', score: 'ok' });
    expect(judgements[0]!.evidence['ksThreshold']).toBe(0.9);
    const missing = windowWith(normals(3000, 3).map((value, index) => (index % 10 === 0 ? null : value)), abc(3000), normals(3000, 4));
    expect(verdicts(judgeData(baseline, missing, monitoringInForce({ minEffect: { share: 0.2 } }, 60)))).toEqual({ delay: 'ok', carrier: 'ok', score: 'ok' });
  });
});

describe('given a history, when verdicts come in', () => {
  const judgement = (verdict: Judgement['verdict']): Judgement => ({ kind: 'data_drift', subject: 'x', verdict, sampleCount: 1, evidence: {} });
  /** Alarms that begin in each window; muted in those of which `isMuted`. */
  const alarmsOver = (sequence: Judgement['verdict'][], isMuted: (index: number) => boolean = () => false): number[] => {
    const windows = sequence.map((verdict, index) => muteAllBut(isMuted(index) ? ['quality'] : ['data_drift'], [judgement(verdict)])[0]!);
    return windows.map((one, index) => beginningAlarms([one], new Map([['data_drift|x', windows.slice(0, index)]])).length);
  };

  it('then a lasting drift is one alarm, and another after a recovery', () => {
    expect(alarmsOver(['ok', 'drifted', 'drifted', 'drifted', 'ok', 'ok', 'drifted', 'drifted'])).toEqual([0, 0, 1, 0, 0, 0, 0, 1]);
  });

  it('then none begins while alarms are off, and one that lasts begins once they are on', () => {
    expect(alarmsOver(['drifted', 'drifted', 'drifted', 'ok', 'ok'], () => true)).toEqual([0, 0, 0, 0, 0]);
    expect(alarmsOver(['drifted', 'drifted', 'drifted', 'drifted', 'drifted'], (index) => index < 3)).toEqual([0, 0, 0, 1, 0]);
    expect(alarmsOver(['drifted', 'drifted', 'ok', 'ok', 'ok'], (index) => index < 2)).toEqual([0, 0, 0, 0, 0]);
    expect(alarmsOver(['drifted', 'drifted', 'ok', 'drifted'], (index) => index < 2)).toEqual([0, 0, 0, 1]);
  });

  it('then an alarm that was told is not told again because alarms were off for a while', () => {
    expect(alarmsOver(['drifted', 'drifted', 'drifted', 'drifted', 'drifted'], (index) => index === 2)).toEqual([0, 1, 0, 0, 0]);
  });

  it('then one bad window among good ones is none', () => expect(alarmsOver(['ok', 'drifted', 'ok', 'ok', 'drifted', 'ok'])).toEqual([0, 0, 0, 0, 0, 0]));
});

describe('quality', () => {
  const outcome = fc.record({ score: fc.double({ min: 0, max: 1, noNaN: true }), outcome: fc.boolean(), correct: fc.boolean(), delaySeconds: fc.nat(1000) });
  const counted = (outcomes: readonly JoinedOutcome[]): QualityCounts => {
    const counts = noOutcomes();
    for (const one of outcomes) countOutcome(counts, one, true);
    return counts;
  };

  it('does not depend on how outcomes were split into batches', () => {
    fc.assert(fc.property(fc.array(outcome), fc.array(outcome), (first, second) => {
      const [together, apart] = [qualityOf(counted([...first, ...second])), qualityOf(addQuality(counted(first), counted(second)))];
      for (const [measure, value] of Object.entries(together)) expect((apart as unknown as Record<string, number>)[measure]).toBeCloseTo(value as number, 9);
    }));
  });

  const classified = (count: number, separation: number): QualityCounts =>
    counted(normals(count, 9).map((noise, index) => ({ score: 1 / (1 + Math.exp(-(noise + (index % 5 === 0 ? separation : 0)))), outcome: index % 5 === 0, delaySeconds: 60 })));

  it('is ok at the registered AUC and drifted clearly below it', () => {
    const auc = qualityOf(classified(3000, 1)).auc!;
    expect(judgeQuality(classified(3000, 1), { auc })[0]!.verdict).toBe('ok');
    expect(judgeQuality(classified(3000, 0.2), { auc })[0]!.verdict).toBe('drifted');
  });

  it('tells rare events apart as well as the exact AUC does, so that a good model of them raises no alarm', () => {
    const scores = normals(100_000, 5).map((noise) => 1 / (1 + Math.exp(7.5 - 1.3 * noise)));
    const labels = normals(100_000, 6).map((noise, index) => 1 / (1 + Math.exp(-1.702 * noise)) < scores[index]!);
    const counts = counted(scores.map((score, index) => ({ score, outcome: labels[index]!, delaySeconds: 1 })));
    const exact = auc(scores, labels);
    expect(qualityOf(counts).auc).toBeCloseTo(exact, 2);
    expect(judgeQuality(counts, { auc: exact }).map(({ verdict }) => verdict)).toEqual(['ok', 'ok']);
  });

  it('finds probabilities that have become wrong though their order has not', () => {
    const forecaster = (bias: number) => {
      const noise = normals(4000, 7);
      const luck = normals(4000, 8);
      return counted(noise.map((logit, index) => ({ score: 1 / (1 + Math.exp(-logit - bias)), outcome: 1 / (1 + Math.exp(-1.702 * luck[index]!)) < 1 / (1 + Math.exp(-logit)), delaySeconds: 1 })));
    };
    expect(judgeQuality(forecaster(0), {}).map(({ subject, verdict }) => [subject, verdict])).toEqual([['ece', 'ok']]);
    const [ece] = judgeQuality(forecaster(2), {});
    expect(ece).toMatchObject({ subject: 'ece', verdict: 'drifted', evidence: { ece: expect.closeTo(0.34, 1) } });
  });

  it('is judged by the least samples and effects of a policy', () => {
    const auc = qualityOf(classified(3000, 1)).auc!;
    expect(judgeQuality(classified(3000, 0.2), { auc }, monitoringInForce({ minEffect: { auc: 0.9 } }, 60))[0]!.verdict).toBe('ok');
    expect(judgeQuality(classified(3000, 0.2), { auc }, monitoringInForce({ minSamples: { auc: 4000, calibration: 4000 } }, 60)).map(({ verdict }) => verdict)).toEqual(['insufficient_data', 'insufficient_data']);
  });

  it('is not held against a version without a registered AUC, and says so with few outcomes', () => {
    expect(judgeQuality(classified(3000, 1), {}).map(({ subject }) => subject)).toEqual(['ece']);
    expect(judgeQuality(classified(50, 0.2), { auc: 0.8 })[0]!.verdict).toBe('insufficient_data');
    expect(judgeQuality(noOutcomes(), { auc: 0.8 })[0]!.verdict).toBe('insufficient_data');
  });
});

describe('windows', () => {
  const minutes = fc.integer({ min: 1, max: 100_000 });
  const times = fc.array(fc.integer({ min: -1e12, max: 1e12 }), { minLength: 1 });

  it('hold every event exactly once, also before 1970', () => {
    fc.assert(fc.property(times, fc.integer({ min: 1, max: 1e8 }), (all, lengthMs) => {
      const windows = byWindow(all, (time) => time, always(lengthMs));
      expect(windows.flatMap(({ members }) => members).length).toBe(all.length);
      for (const { window: { startMs }, members } of windows) for (const time of members) expect(time >= startMs && time < startMs + lengthMs && windowOf(startMs, always(lengthMs)).startMs === startMs).toBe(true);
    }));
  });

  it('never overlap, whenever and how often their length changes, and every event has one', () => {
    fc.assert(fc.property(minutes, fc.array(fc.tuple(minutes, fc.integer({ min: 0, max: 1e10 })), { maxLength: 6 }), times, (first, changes, all) => {
      let lengths: readonly WindowLength[] = always(first * 60_000);
      let watermarkMs = 0;
      for (const [length, passedMs] of changes) lengths = followedBy(lengths, length * 60_000, (watermarkMs += passedMs));
      const windows = byWindow(all, (time) => time, lengths).toSorted((a, b) => a.window.startMs - b.window.startMs);
      for (const [index, { window: { startMs, lengthMs }, members }] of windows.entries()) {
        for (const time of members) expect(time >= startMs && time < startMs + lengthMs).toBe(true);
        expect(startMs + lengthMs).toBeLessThanOrEqual(windows[index + 1]?.window.startMs ?? Infinity);
      }
    }));
  });

  it('that events were counted in keep their place when the length changes', () => {
    fc.assert(fc.property(minutes, minutes, times, (before, after, all) => {
      const lengths = always(before * 60_000);
      const changed = followedBy(lengths, after * 60_000, Math.max(...all));
      expect(byWindow(all, (time) => time, changed)).toEqual(byWindow(all, (time) => time, lengths));
    }));
  });

  it('change their length where the present one ends, the first cut short for the others to be aligned, and a change taken back never begins', () => {
    const hours = followedBy(always(60), 100, 70);
    expect([119, 120, 199, 200].map((time) => windowOf(time, hours))).toEqual([{ startMs: 60, lengthMs: 60 }, { startMs: 120, lengthMs: 80 }, { startMs: 120, lengthMs: 80 }, { startMs: 200, lengthMs: 100 }]);
    expect(followedBy(hours, 100, 90)).toBe(hours);
    expect(followedBy(hours, 60, 90)).toEqual(always(60));
    expect(followedBy(hours, 60, 130).at(-1)).toEqual({ fromMs: 200, lengthMs: 60 });
  });

  it('wait until every partition has been read as far as it went when they became due', () => {
    const end = (partition: number, high: bigint, committed?: bigint) => ({ partition, low: 0n, high, committed });
    const then = [end(0, 100n), end(1, 0n), end(2, 7n)];
    expect(isReadUntil(then, [end(0, 500n, 100n), end(1, 3n), end(2, 7n, 6n)])).toBe(false);
    expect(isReadUntil(then, [end(0, 500n, 100n), end(1, 3n), end(2, 7n, 7n)])).toBe(true);
    expect(isReadUntil(then, [end(0, 500n), end(1, 3n), end(2, 7n, 7n)])).toBe(false);
    expect(isReadUntil([{ partition: 0, low: 9n, high: 9n }], [{ partition: 0, low: 9n, high: 9n }])).toBe(true);
  });
});

it('an alert of the same window and subject has the same identity', () => {
  const identities: string[] = [];
  const window = { kind: 'data', model: 'm', version: '1', startMs: 0, lengthMs: 10 } as const;
  const judgement: Judgement = { kind: 'data_drift', subject: 'x', verdict: 'drifted', sampleCount: 5, evidence: { ksDistance: 0.3 } };
  for (const nowMs of [1, 2]) alertOf({ window, judgement, nowMs, idOf: (identity) => String(identities.push(identity)) });
  expect(new Set(identities).size).toBe(1);
});
