import { describe, expect, it } from 'vitest';
import { duration, renderStory, type Story } from './story-text.js';

const story: Story = {
  predictionId: 'p', state: 'scored',
  request: { source: '/s', id: '1', lane: 'stream', attempt: 0, entities: { origin: 'SFO' }, occurredAt: '2001-02-03T04:05:06.000Z', requestedAt: '2026-11-21T09:00:00.000Z' },
  answer: { model: 'm', version: '2', role: 'champion', assignmentRevision: 3, score: 0.25, threshold: 0.5, outputs: {}, answeredAt: '2026-11-21T09:00:00.004Z', batchSize: 4, worker: 'w', timingsMs: { total: 1.5, inference: 0.1, postprocess: 0.02, queue: 0.25, preprocess: 0.01 } },
  features: [{ name: 'hour', value: 7 }, { name: 'delay', value: null, view: 'airport@1', entityRole: 'origin', ageSeconds: 7200, defaulted: true }],
  outcome: { value: false, source: 'arrivals', occurredAt: '2001-02-03T09:05:06.000Z', delaySeconds: 18_000, error: 0.25, correct: true },
  outcomes: [{ value: false, source: 'arrivals', sequence: 0, occurredAt: '2001-02-03T09:05:06.000Z', receivedAt: '2026-11-21T10:00:00.000Z', holds: true }],
  trace: { traceId: 't', sampled: false },
};

describe('a story', () => {
  it('goes from the request to what came of it', () => {
    expect(renderStory(story).split('\n')).toEqual([
      'Prediction p: scored, and right', '',
      'Asked by /s as 1', '  event time   2001-02-03T04:05:06.000Z', '  received     2026-11-21T09:00:00.000Z on the stream lane', '  entities     origin SFO', '',
      'Answered by m version 2 as champion (assignment revision 3)', '  score        0.25 (below the threshold 0.5)', '  outputs      {}',
      '  at           2026-11-21T09:00:00.004Z by w, in a batch of 4', '  timings      queue 0.25 ms, preprocess 0.01 ms, inference 0.1 ms, postprocess 0.02 ms, total 1.5 ms', '',
      'Features as used', '  hour   7', '  delay  missing  (airport@1 of the origin, 2 h old, a default)', '',
      'Outcome: false after 5 h', '  error        0.25', '  decision     right', '  * false said arrivals (sequence 0), true at 2001-02-03T09:05:06.000Z, received 2026-11-21T10:00:00.000Z', '',
      'Trace t (not sampled)',
    ]);
  });

  it('says of a value that is newer than the request just that', () => {
    expect(renderStory({ ...story, features: [{ name: 'delay', value: 1, ageSeconds: -7200 }] })).toContain('delay  1  (2 h newer than the request)');
  });

  it('of a fallback says which, instead of which error, and that no features were used', () => {
    const text = renderStory({ ...story, state: 'fallback', answer: { ...story.answer!, fallback: { kind: 'constant', reason: 'model_failed' } }, features: [] });
    expect(text).toContain('Prediction p: answered by a fallback, and right');
    expect(text).toMatch(/^ {2}fallback +constant, instead of model_failed$/m);
    expect(text).toContain('Features as used: none');
  });

  it('of a prediction that has not come says so', () => {
    expect(renderStory({ predictionId: 'p', state: 'awaited', outcome: null, outcomes: story.outcomes })).toContain('an outcome has come, the prediction has not');
  });
});

it.each([[0, '0 s'], [119, '119 s'], [120, '2 min'], [18_000, '5 h'], [172_800, '2 d'], [-7200, '-2 h']])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
