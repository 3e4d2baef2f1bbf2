import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Report, RolloutDetail } from './resources.js';
import { intervalScale } from '../interval-scale.js';
import { histogramLines, progressLine, progressLines, reportText } from './text.js';

const samples = { candidate: 1200, champion: 4800 };
const verdict = { guard: 'error_rate', state: 'ok', difference: 0.001, low: -0.004, high: 0.006, limit: 0.01, samples, says: '' };
const rollout: RolloutDetail = {
  id: 'r', model: 'flights', strategy: 'canary', candidate: '3', champion: '2', status: 'running', step: 2, share: 0.05, breaches: 0, consecutiveBreaches: 2, author: 'ada', startedAt: '2026-11-21T12:00:00Z', stepStartedAt: '2026-11-21T12:10:00Z',
  steps: [{ share: 0.01, minSeconds: 60, minPredictions: 10, minOutcomes: 0 }, { share: 0.05, minSeconds: 60, minPredictions: 1000, minOutcomes: 0 }],
  progress: { predictions: 250, outcomes: 3, missing: ['750 predictions'], waitingFor: [] }, verdicts: [verdict],
};

it('the progress says step and share, how far each minimum is, and each guard with its interval', () => {
  expect(progressLines(rollout, Date.parse('2026-11-21T12:10:30Z'))).toEqual([
    'flights: canary of version 3 against 2: running, step 2 of 2, 5 % of the traffic',
    '  time         ████████████░░░░░░░░░░░░ 30 of 60 s',
    '  predictions  ██████░░░░░░░░░░░░░░░░░░ 250 of 1,000',
    expect.stringMatching(/^ {2}✓ error_rate {2}[·━│●┃]{33} {2}\+0\.001 \(-0\.004 to \+0\.006\), limit 0\.01$/),
  ]);
  expect(progressLine(rollout)).toBe('flights: canary of version 3 against 2: running, step 2 of 2, 5 % of the traffic, needs 750 predictions');
});

it('a rollout that is over says how it ended', () => {
  const over = { ...rollout, status: 'rolled_back', conclusion: 'error_rate: too many', verdicts: [{ ...verdict, state: 'breached' }] };
  expect(progressLines(over, 0).slice(0, 2)).toEqual(['flights: canary of version 3 against 2: rolled back, step 2 of 2, 5 % of the traffic', '  error_rate: too many']);
  expect(progressLine(over), 'what was counted after its end ended nothing').toMatch(/: error_rate: too many$/);
});

it('while it warms, it says for whom it waits', () => {
  const warming = { ...rollout, status: 'warming', step: 0, share: 0, progress: { ...rollout.progress, waitingFor: ['worker-2'] }, verdicts: [] };
  expect(progressLines(warming, 0)).toEqual(['flights: canary of version 3 against 2: warming', '  waiting for worker-2 to warm the candidate']);
});

it('a scale has the same width whatever the numbers are, and shows estimate and limit in their order', () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(number, number, number, fc.double({ min: 1e-9, max: 1e6, noNaN: true }), (a, b, c, limit) => {
      const [low, difference, high] = [a, b, c].toSorted((x, y) => x - y);
      const scale = intervalScale({ low: low!, difference: difference!, high: high!, limit });
      expect([...scale]).toHaveLength(33);
      expect(scale).toContain('●');
      if (scale.includes('┃') && difference! < limit) expect(scale.indexOf('●')).toBeLessThan(scale.indexOf('┃'));
    }),
  );
});

it('a histogram draws its fullest bin in full, leaves empty ends out, and fits a screen', () => {
  const lines = histogramLines([{ from: -0.1, to: 0, count: 1 }, { from: 0, to: 0.1, count: 100 }, { from: 0.1, to: 0.2, count: 0 }]);
  expect(lines.map((line) => line.split('█').length - 1)).toEqual([1, 40]);
  expect(lines[1]).toMatch(/^ +0 … 0\.1 {2}█+ 100$/);
  expect(histogramLines(Array.from({ length: 61 }, (_, from) => ({ from, to: from + 1, count: 1 })))).toHaveLength(16);
  expect(histogramLines([{ from: 0, to: 1, count: 0 }])).toEqual([]);
});

it('a report without comparisons leaves their parts out', () => {
  const arm = { answers: 10, outcomes: 0 };
  const report: Report = { model: 'flights', id: 'r', strategy: 'blue_green', champion: '1', candidate: '2', status: 'finished', arms: { champion: arm, candidate: { ...arm, errorShare: 0.1, latencyMs: { p50: 1, p99: 8.234 }, meanScore: 0.2 } }, verdicts: [], outcomes: [], disagreements: [] };
  expect(reportText(report).split('\n')).toEqual([
    'flights: blue green of version 2 against 1: finished',
    '  champion     10 answers, 0 outcomes, errors unknown, fallbacks unknown',
    '  candidate    10 answers, 0 outcomes, errors 10 %, fallbacks unknown, p50 1 ms, p99 8.23 ms, mean score 0.2',
  ]);
});
