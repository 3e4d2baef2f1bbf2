import { expect, it } from 'vitest';
import { duration, labelPlot, labelRows, type LabelsAnswer, type Standing } from './labels-text.js';

const standing: Standing = {
  predictions: 4000, labelled: 3600, assumed: 0, matured: 3500, immature: 500, overdue: 100, coverage: { share: 0.9714, low: 0.9654, high: 0.9764 },
  delay: { medianSeconds: { value: 10_800, low: 10_500, high: 11_100 }, p90Seconds: null },
  knownAfter: [{ seconds: 60, share: 0, low: 0, high: 0 }, { seconds: 3600, share: 0.5, low: 0.4, high: 0.6 }, { seconds: 7 * 86_400, share: null, low: null, high: null }],
};
const answer: LabelsAnswer = { model: 'm', from: '', to: '', now: '', maturitySeconds: 86_400, total: standing, versions: [{ version: '1', ...standing }] };

it('a version has its counts, and says where a quantile was not reached', () => {
  expect(labelRows(answer)[1]).toEqual(['1', 4000, 3600, 0, 500, 100, '97.1 %', '3 h', 'not reached']);
});

it('without a declared maturity nothing is immature, overdue or covered', () => {
  const undeclared = { ...standing, matured: null, immature: null, overdue: null, coverage: null };
  expect(labelRows({ ...answer, versions: [{ version: '1', ...undeclared }, { version: '2', ...undeclared }] })).toHaveLength(4);
  expect(labelRows({ ...answer, versions: [{ version: '1', ...undeclared }] })[1]!.slice(4, 7)).toEqual(['-', '-', '-']);
});

it('the plot has a bar a delay, with the interval about its end, and says what was not watched', () => {
  const [none, half, unknown] = labelPlot(answer);
  expect(none).toBe(` 1 min |${' '.repeat(40)}|  0.0 % (0.0 % to 0.0 %)`);
  expect(half).toBe(`   1 h |${'█'.repeat(16)}${'▓'.repeat(4)}${'░'.repeat(4)}${' '.repeat(16)}| 50.0 % (40.0 % to 60.0 %)`);
  expect(unknown).toContain('not watched');
});

it('the plot has its lines where the curve rises: from the last horizon without labels to the first with all, each tenth between them', () => {
  const at = (seconds: number, share: number) => ({ seconds, share, low: share, high: share });
  const curve = [at(4000, 0.05), at(5000, 0.12), at(6000, 0.55), at(7000, 0.95), at(8000, 1)];
  const known = [at(60, 0), at(600, 0), at(3600, 0), at(21_600, 1), at(86_400, 1)];
  const names = labelPlot({ ...answer, total: { ...standing, knownAfter: known }, curve }).map((line) => line.slice(0, line.indexOf('|')).trim());
  expect(names).toEqual(['1 h', '1.4 h', '1.7 h', '1.9 h', '6 h']);
});

it.each([[0, '0 s'], [59, '59 s'], [5400, '1.5 h'], [2_592_000, '30 d']])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));
