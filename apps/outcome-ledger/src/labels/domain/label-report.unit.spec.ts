import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BIN_ENDS_SECONDS, HORIZON_SECONDS } from './horizons.js';
import { labelReport, type LabelCount } from './label-report.js';

const counts = fc.array(fc.record({
  version: fc.constantFrom('1', '2', '10'), day: fc.constantFrom('2001-02-01', '2001-02-02'), state: fc.constantFrom('labelled' as const, 'assumed' as const, 'open' as const), isMature: fc.boolean(),
  bin: fc.nat({ max: BIN_ENDS_SECONDS.length - 1 }), count: fc.integer({ min: 1, max: 1000 }),
}).map((one): LabelCount => ({ ...one, maxSeconds: BIN_ENDS_SECONDS[one.bin]! })), { maxLength: 40 });

it('counts every prediction once: those of versions, and those of days, add up to all', () => {
  fc.assert(fc.property(counts, (some) => {
    const { total, versions, days } = labelReport(some, true);
    for (const measure of ['predictions', 'labelled', 'assumed', 'matured', 'immature', 'overdue'] as const) {
      for (const parts of [versions, days]) expect(parts.reduce((sum, part) => sum + (part[measure] ?? 0), 0)).toBe(total[measure]);
    }
    expect(total.matured! + total.immature!).toBe(total.predictions);
  }));
});

it('an assumption is a label nowhere: not in coverage, not in delays', () => {
  fc.assert(fc.property(counts, (some) => {
    const { assumed: _, ...report } = labelReport(some, true).total;
    const { assumed: __, ...open } = labelReport(some.map((one) => (one.state === 'assumed' ? { ...one, state: 'open' } : one)), true).total;
    expect({ ...report, overdue: 0 }).toEqual({ ...open, overdue: 0 });
  }));
});

it('what is young lowers neither coverage nor, where nobody was watched for so long, the share known', () => {
  const labelled: LabelCount = { version: '1', day: '2001-02-01', state: 'labelled', isMature: true, bin: 5, count: 50, maxSeconds: BIN_ENDS_SECONDS[5]! };
  const young: LabelCount = { ...labelled, state: 'open', isMature: false, bin: 1, maxSeconds: BIN_ENDS_SECONDS[1]!, count: 1_000_000 };
  const { total } = labelReport([labelled, young], true);
  expect(total).toMatchObject({ coverage: { share: 1 }, immature: 1_000_000, overdue: 0, delay: { medianSeconds: { value: labelled.maxSeconds } } });
  expect(labelReport([young], true).total).toMatchObject({ coverage: null, delay: { medianSeconds: null } });
});

it('every horizon is the end of a bin, and versions are in the order people count in', () => {
  expect(HORIZON_SECONDS.every((seconds) => BIN_ENDS_SECONDS.includes(seconds))).toBe(true);
  const of = (version: string): LabelCount => ({ version, day: 'd', state: 'open', isMature: true, bin: 0, count: 1, maxSeconds: 1 });
  expect(labelReport([of('10'), of('2'), of('1')], true).versions.map(({ version }) => version)).toEqual(['1', '2', '10']);
});
