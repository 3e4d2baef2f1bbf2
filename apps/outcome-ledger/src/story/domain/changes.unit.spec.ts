import { describe, expect, it } from 'vitest';
import type { Assignment } from './assignment.js';
import { changesSince } from './changes.js';

const at = (revision: number, over: Partial<Assignment> = {}): Assignment => ({ revision, decidedAtMs: revision * 60_000, champion: '1', challengers: [], shadows: [], standbys: [], fallbacks: [], policy: {}, ...over });
const rollout = (step: number) => ({ id: 'r-1', strategy: 'canary' as const, candidate: '2', step });
const textsOf = (...known: Assignment[]): string[] => changesSince('1', known[0]!.revision, known).changes.map(({ text }) => text);

describe('what changed since', () => {
  it('is nothing where the revision still holds', () => expect(changesSince('1', 3, [at(3)])).toEqual({ versionNow: 'champion', currentRevision: 3, changes: [], omitted: 0 }));

  it('is not known where no revision is', () => expect(changesSince('1', 3, [])).toEqual({ versionNow: 'unknown', changes: [], omitted: 0 }));

  it('tells a canary from its beginning to its end', () => {
    const known = [
      at(3), at(4, { rollout: rollout(0), standbys: ['2'] }), at(5, { rollout: rollout(1), challengers: [{ version: '2', share: 0.05 }] }),
      at(6, { rollout: rollout(2), challengers: [{ version: '2', share: 0.25 }] }), at(7, { champion: '2', author: 'rollout', reason: 'every step has its minimums' }),
    ];
    expect(textsOf(...known)).toEqual([
      'a canary of version 2 began and warms it', 'the canary of version 2 is at step 1', 'challengers: version 2 with 5 %', 'the canary of version 2 is at step 2', 'challengers: version 2 with 25 %',
      'version 2 became champion instead of version 1', 'the canary of version 2 ended: it is in', 'no challenger shares the traffic any more',
    ]);
    expect(changesSince('1', 3, known)).toMatchObject({ versionNow: 'none', currentRevision: 7 });
    expect(changesSince('1', 3, known).changes.at(-1)).toEqual({ at: '1970-01-01T00:07:00.000Z', revision: 7, kind: 'traffic', text: 'no challenger shares the traffic any more', by: 'rollout', reason: 'every step has its minimums' });
  });

  it('says of a canary that was rolled back that its candidate is not the champion', () => {
    expect(textsOf(at(3, { rollout: rollout(1) }), at(4))).toEqual(['the canary of version 2 ended: it is not the champion']);
  });

  it('tells of policies, budgets, shadows and fallbacks, whatever the order of their members', () => {
    expect(textsOf(at(3, { policy: { outcome: { maturitySeconds: 1, positiveFrom: 2 } } }), at(4, { policy: { outcome: { positiveFrom: 2, maturitySeconds: 1 } } }))).toEqual([]);
    expect(textsOf(at(3), at(4, { policy: { privacy: { routingKey: 'hash' } }, latencyBudgetMs: { inference: 5 }, shadows: ['4'], fallbacks: [{ kind: 'constant' }] }))).toEqual([
      'shadows: version 4', 'fallbacks: constant', 'the latency budget is another one', 'changed: what is withheld for privacy',
    ]);
  });

  it('says which revisions are not known, also the answer’s own', () => {
    expect(changesSince('1', 3, [at(5), at(8, { champion: undefined })]).changes.map(({ kind, text }) => [kind, text])).toEqual([
      ['unknown', 'revisions 3 to 4 are not known here'], ['unknown', 'revisions 6 to 7 are not known here'], ['champion', 'version 1 was taken out: nothing serves'],
    ]);
  });

  it('tells the latest fifty and counts the others', () => {
    const known = Array.from({ length: 61 }, (_, index) => at(index + 1, { champion: String(index) }));
    const { changes, omitted } = changesSince('0', 1, known);
    expect([changes.length, omitted, changes.at(-1)!.revision]).toEqual([50, 10, 61]);
  });
});
