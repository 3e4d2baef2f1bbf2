import { describe, expect, it } from 'vitest';
import { duration } from './duration.js';
import { renderRecomputation } from './recomputation-text.js';
import type { Story } from './resources.js';
import { stageBars } from './stage-bars.js';
import { renderStory } from './text.js';

const story: Story = {
  predictionId: 'p', state: 'scored',
  request: { source: '/s', id: '1', lane: 'stream', attempt: 0, entities: { origin: 'SFO' }, occurredAt: '2001-02-03T04:05:06.000Z', requestedAt: '2026-11-21T09:00:00.000Z' },
  answer: { model: 'm', version: '2', role: 'challenger', assignmentRevision: 3, score: 0.25, threshold: 0.5, decision: false, outputs: {}, answeredAt: '2026-11-21T09:00:00.004Z', batchSize: 4, worker: 'w' },
  why: { explanation: 'version 2 had 25 % of the traffic as challenger of version 1', propensity: 0.25, decidedAt: '2026-11-20T09:00:00.000Z', decidedBy: 'ada', reason: 'better AUC' },
  stages: [{ stage: 'queue', ms: 0.25, budgetMs: 0.1, isOver: true }, { stage: 'inference', ms: 0.5, budgetMs: 0.7, isOver: false }, { stage: 'postprocess', ms: 0.001 }, { stage: 'total', ms: 0.751 }],
  values: 'kept',
  features: [{ name: 'hour', value: 7 }, { name: 'delay', value: null, view: 'airport@1', entityRole: 'origin', ageSeconds: 7200, defaulted: true }],
  outcome: { value: false, source: 'arrivals', occurredAt: '2001-02-03T09:05:06.000Z', delaySeconds: 18_000, error: 0.25, correct: true },
  outcomes: [{ value: false, source: 'arrivals', sequence: 0, occurredAt: '2001-02-03T09:05:06.000Z', receivedAt: '2026-11-21T10:00:00.000Z', holds: true }],
  money: { computeMicroUsd: 0.0021, featuresMicroUsd: 0.02, storageMicroUsd: 0.3, totalMicroUsd: 0.3221, valueMicroUsd: 500_000, netMicroUsd: 499_999.6779 },
  since: { versionNow: 'champion', currentRevision: 5, omitted: 0, changes: [{ at: '2026-11-21T11:00:00.000Z', revision: 5, text: 'version 2 became champion instead of version 1', by: 'rollout', reason: 'no guard is breached' }] },
  trace: { traceId: 't', sampled: false },
};

const TOLD = `Prediction p: scored, and right

Asked by /s as 1
  event time   2001-02-03T04:05:06.000Z
  received     2026-11-21T09:00:00.000Z on the stream lane
  entities     origin SFO

Answered by m version 2 as challenger (assignment revision 3)
  score        0.25 (below the threshold 0.5: no)
  outputs      {}
  at           2026-11-21T09:00:00.004Z by w, in a batch of 4

Why that version
  version 2 had 25 % of the traffic as challenger of version 1
  decided      2026-11-20T09:00:00.000Z by ada: better AUC
  its chance   25 % of such requests

What it took
  queue        ████████················   0.25 ms  of 0.1 ms ! over budget
  inference    ········████████████████    0.5 ms  of 0.7 ms
  postprocess  ·······················▏  0.001 ms
  total        ────────────────────────  0.751 ms

Features as used
  hour   7
  delay  missing  (airport@1 of the origin, 2 h old, a default)

Outcome: false after 5 h
  error        0.25
  decision     right
  * false said arrivals (sequence 0), true at 2001-02-03T09:05:06.000Z, received 2026-11-21T10:00:00.000Z

Money
  cost         0.322 µ$, an estimate: compute 0.0021 µ$, features 0.02 µ$, storage 0.3 µ$
  earned       $0.50 (net $0.50)

Since then: version 2 is the champion (revision 5 now)
  2026-11-21T11:00:00.000Z  version 2 became champion instead of version 1, by rollout: no guard is breached

Trace t (not sampled)`;

describe('a story', () => {
  it('goes from the request to what came of it and to what has changed since', () => expect(renderStory(story)).toBe(TOLD));

  it('says of a value that is newer than the request just that', () => {
    expect(renderStory({ ...story, features: [{ name: 'delay', value: 1, ageSeconds: -7200 }] })).toContain('delay  1  (2 h newer than the request)');
  });

  it('of a fallback says which, instead of which error, and that no features were used', () => {
    const text = renderStory({ ...story, state: 'fallback', answer: { ...story.answer!, fallback: { kind: 'constant', reason: 'model_failed' } }, features: [] });
    expect(text).toContain('Prediction p: answered by a fallback, and right');
    expect(text).toMatch(/^ {2}fallback +constant, instead of model_failed$/m);
    expect(text).toContain('Features as used: none');
    const stoodIn = renderStory({ ...story, state: 'fallback', answer: { ...story.answer!, fallback: { kind: 'constant', reason: 'model_failed', insteadOf: '2' } }, features: [] });
    expect(stoodIn).toMatch(/^ {2}fallback +constant, instead of version 2 \(model_failed\)$/m);
  });

  it('of a cheap answer names a cost that is not 0, and of a request whose id is gone says so', () => {
    expect(renderStory({ ...story, money: { ...story.money!, computeMicroUsd: 0.000318 } })).toContain('compute 0.000318 µ$');
    expect(renderStory({ ...story, request: { ...story.request!, id: '' } })).toContain('Asked by /s (the request’s id is withheld or erased)\n');
  });

  it('says what is left of its values', () => {
    expect(renderStory({ ...story, values: 'erased', erasedAt: '2026-11-22T00:00:00Z' })).toContain('Features as used: erased at 2026-11-22T00:00:00Z');
    expect(renderStory({ ...story, values: 'expired' })).toContain('Features as used: kept no longer');
    expect(renderStory({ ...story, values: 'withheld', features: [{ name: 'age', value: null }] })).toContain('Features as used (some are withheld for privacy)\n  age  withheld');
  });

  it('says that an outcome is assumed, and what was sent where the declared truth is another', () => {
    const text = renderStory({ ...story, outcome: { ...story.outcome!, assumed: true, observed: 12 }, outcomes: [] });
    expect(text).toContain('Prediction p: scored, and right, as far as is assumed');
    expect(text).toContain('Outcome: false after 5 h, assumed: none came by its maturity\n  as sent      12');
  });

  it('says what is not known of its money, and that nothing has changed', () => {
    const text = renderStory({ ...story, money: { ...story.money!, computeMicroUsd: null, valueMicroUsd: null, netMicroUsd: null }, since: { versionNow: 'none', omitted: 3, changes: [] } });
    expect(text).toMatch(/an estimate: compute not measured, /);
    expect(text).toMatch(/^ {2}earned +not known$/m);
    expect(text).toContain('Since then: version 2 does not serve\n  … 3 earlier changes\n  nothing has changed');
  });

  it('of a prediction whose row is gone while its day is there, never says that it was too old', () => {
    const told = renderStory({ predictionId: 'p', state: 'expired', day: '2026-11-21', expiredAt: null, archive: [], outcome: null, outcomes: [] });
    expect(told).toContain('Prediction p: its row has vanished\n');
    expect(told).toContain('Its day, 2026-11-21, is still in the ledger');
    expect(told).not.toContain('kept no longer');
  });

  it('of a prediction that has not come, or is kept no longer, says so', () => {
    expect(renderStory({ predictionId: 'p', state: 'awaited', outcome: null, outcomes: story.outcomes })).toContain('an outcome has come, the prediction has not');
    expect(renderStory({ predictionId: 'p', state: 'expired', day: '2026-08-01', expiredAt: '2026-11-01T00:00:00.000Z', archive: ['a.parquet'], outcome: null, outcomes: [] })).toBe(
      'Prediction p: kept no longer\n\nIts day, 2026-08-01, has left the ledger at 2026-11-01T00:00:00.000Z\n  archived in a.parquet');
  });
});

describe('stages as bars', () => {
  it('mark where a budget ends', () => {
    expect(stageBars([{ stage: 'queue', ms: 1, budgetMs: 2, isOver: false }, { stage: 'inference', ms: 3 }])).toEqual(['  queue      ██████······│···········  1 ms  of 2 ms', '  inference  ······██████████████████  3 ms']);
  });
  it('are none without stages, and empty where nothing took time', () => {
    expect(stageBars([])).toEqual([]);
    expect(stageBars([{ stage: 'total', ms: 1 }])).toEqual([]);
    expect(stageBars([{ stage: 'queue', ms: 0 }])).toEqual(['  queue  ························  0 ms']);
  });
});

describe('a recomputation', () => {
  const runtime = { served: 'r 1', here: 'r 2', differs: true };
  it('that is equal says so in a few lines', () => {
    expect(renderRecomputation({ predictionId: 'p', status: 'equal', explanation: 'computed again, all 2 values have the same bits', runtime: { ...runtime, here: 'r 1', differs: false }, servedBatchSize: 4, differenceCount: 0 })).toBe(
      'Computed again: equal\n  computed again, all 2 values have the same bits\n  served by  r 1, in a batch of 4\n  here       the same, alone');
  });
  it('that is different names each value, and how far it is off', () => {
    const text = renderRecomputation({ predictionId: 'p', status: 'different', explanation: 'why', runtime, differenceCount: 30, differences: [{ output: 'y', index: 1, stored: 0.25, recomputed: 0.5, difference: 0.25, ulps: 8_388_608 }, ...Array.from({ length: 29 }, (_, index) => ({ output: 'z', index, stored: 'a', recomputed: null }))], score: { stored: 1, recomputed: null } });
    expect(text).toContain('  here       r 2, alone\n  y[1]: answered 0.25, computed 0.5 (difference 0.25, 8388608 ULP)\n  z[0]: answered "a", computed null\n');
    expect(text).toMatch(/ … and 10 more\n {2}score on record 1, of the outputs null$/);
  });
  it('that could not be is one reason', () => expect(renderRecomputation({ predictionId: 'p', status: 'not_computed', explanation: 'a constant' })).toBe('Computed again: not computed\n  a constant'));
});

it.each([[0, '0 s'], [119, '119 s'], [120, '2 min'], [18_000, '5 h'], [172_800, '2 d'], [-7200, '-2 h']])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
