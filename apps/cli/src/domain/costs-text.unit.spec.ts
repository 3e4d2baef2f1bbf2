import { describe, expect, it } from 'vitest';
import { costNotes, costPlot, costRows, type CostLine, type CostReport } from './costs-text.js';
import { money } from './money-text.js';

const line: CostLine = {
  predictions: 4000, shadows: 0, cost: { computeMicroUsd: 2000, featuresMicroUsd: 80, storageMicroUsd: 1200, totalMicroUsd: 3280, perPredictionMicroUsd: 0.82 },
  outcomes: { known: 3000, coverage: 0.75, valued: 3000 }, valueMicroUsd: 1_450_000, netMicroUsd: 1_446_720,
};
const report: CostReport = { from: '2026-11-01', to: '2026-11-22', groupBy: ['model', 'team'], lines: [{ model: 'm', team: null, ...line, overCeiling: true }], total: line, truncated: false };

it.each([[null, '?'], [0, '$0'], [1_450_000, '$1.45'], [-12_345_678_900, '-$12,345.68'], [820, '$0.00082'], [14_589, '$0.0146'], [1_418, '$0.00142'], [500_000, '$0.50'], [0.82, '$0.00000082'], [-0.0123, '-$0.0000000123']])('%s millionths of a dollar read %s', (micro, text) => {
  expect(money(micro)).toBe(text);
});

describe('the table of costs', () => {
  it('has the groups first, a cost for a million predictions, and the total last', () => {
    expect(costRows(report)).toEqual([
      ['model', 'team', 'predictions', 'compute', 'features', 'storage', 'cost', 'per million', 'outcomes known', 'value', 'net', ''],
      ['m', '-', 4000, '$0.002', '$0.00008', '$0.0012', '$0.00328', '$0.82', '75.0 %', '$1.45', '$1.45', 'over its ceiling'],
      ['total', '', 4000, '$0.002', '$0.00008', '$0.0012', '$0.00328', '$0.82', '75.0 %', '$1.45', '$1.45', ''],
    ]);
  });

  it('says that a value nobody knows is not 0', () => {
    const unknown = { ...line, valueMicroUsd: null, netMicroUsd: null, outcomes: { known: 0, coverage: 0, valued: 0 } };
    expect(costRows({ ...report, lines: [], total: unknown }).at(-1)?.slice(-3)).toEqual(['?', '?', '']);
    expect(costNotes({ ...report, total: unknown }).join(' ')).toContain('No value is known');
    expect(costNotes(report).join(' ')).toContain('which is not 0');
  });
});

describe('the days', () => {
  const cheap = { ...line, cost: { ...line.cost, totalMicroUsd: 820 }, predictions: 1000 };
  it('are drawn on the scale of the dearest, however many lines each has', () => {
    const lines = [{ day: '2026-11-21', ...line }, { day: '2026-11-20', team: 'a', ...cheap }, { day: '2026-11-20', team: 'b', ...cheap }];
    expect(costPlot({ ...report, groupBy: ['day', 'team'], lines })).toEqual([
      'Cost by day', `  2026-11-20 ${'█'.repeat(20)}${'░'.repeat(20)} $0.00164, 2,000 predictions`, `  2026-11-21 ${'█'.repeat(40)} $0.00328, 4,000 predictions`,
    ]);
  });

  it('are not drawn where there is one, or nobody asked for them', () => {
    expect(costPlot({ ...report, groupBy: ['day'], lines: [{ day: '2026-11-21', ...line }] })).toEqual([]);
    expect(costPlot(report)).toEqual([]);
  });

  it('without groups there is one line, the total', () => expect(costRows({ ...report, groupBy: [], lines: [line] })).toHaveLength(2));
});
