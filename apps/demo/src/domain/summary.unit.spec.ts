import { describe, expect, it } from 'vitest';
import { alertPhrases } from './alerts.js';
import { liveLine } from './live-line.js';
import { storyLines } from './story.js';
import { summaryLines, type SummaryFacts } from './summary.js';

const facts: SummaryFacts = {
  fromMs: Date.parse('2001-01-29T10:00Z'), untilMs: Date.parse('2001-01-30T16:00Z'), seconds: 60.2, slowest: undefined,
  counts: { requests: 21_000, scored: 20_990, fallback: 0, rejected: 10, outcomes: 19_000, joined: 19_000 }, rejections: new Map([['feature_missing', 10]]),
  inTheAir: 1990, missing: { unanswered: 0, unjoined: 0, notInLedger: 0 },
  quality: { count: 19_000, baseRate: 0.208, auc: 0.71234, brier: 0.1502, baseBrier: 0.165 }, latencyMs: { p50: 7, p99: 55 }, versions: ['1'], alerts: [], runs: [], runsUnderWay: 0,
  skew: { reads: 41_980, known: 41_980, identical: 10_000, close: 21_000, fromTheFuture: 0, medianBehindSeconds: 120 },
};
const text = (changed: Partial<SummaryFacts> = {}): string => summaryLines({ ...facts, ...changed }).join('\n');

describe('the summary', () => {
  it('says what was replayed, what came of it, and how well', () => {
    expect(text().split('\n')).toEqual([
      'Summary',
      '  replayed    2001-01-29 10:00Z to 2001-01-30 16:00Z in 60 s',
      '  requests    21,000 sent: 20,990 scored, 0 by a fallback, 10 rejected (feature_missing 10)',
      '  outcomes    19,000 sent, 19,000 joined; 1,990 flights are in the air, their predictions wait',
      '  books       balanced: every request answered and in the ledger, every outcome joined',
      '  model       v1',
      '  quality     AUC 0.712 over 19,000 outcomes, 20.8 % of them late; Brier 0.1502 against 0.1650 for always saying the base rate',
      '  latency     request to answer, between the brokers’ timestamps: p50 7 ms, p99 55 ms',
      '  features    100.0 % of 41,980 reads of an airport are values that the offline computation had too, to the last bit',
      '              23.8 % are its very newest, 50.0 % within tolerance of that; the stream’s median delay is 120 event seconds, 0.07 of the wall’s',
      '  alerts      none',
      '  retraining  no run',
    ]);
  });

  it('hides nothing that is missing, late or too new', () => {
    expect(text({ missing: { unanswered: 3, unjoined: 2, notInLedger: 1 } })).toContain('NOT balanced: 3 requests without an answer, 2 outcomes not joined, 1 answers not in the ledger');
    expect(text({ slowest: { share: 0.35, consumer: 'feature-store' } })).toContain('slowed to 35 % at worst, because feature-store fell behind');
    expect(text({ runs: [{ status: 'succeeded', reason: 'better', candidateVersion: '2' }], runsUnderWay: 1 })).toContain('retraining  succeeded, candidate v2: better; 1 under way');
    expect(text({ skew: { ...facts.skew, fromTheFuture: 42 } })).toContain('0.1 % were newer than the request');
  });

  it('can be written when nothing has happened', () => {
    const counts = { requests: 0, scored: 0, fallback: 0, rejected: 0, outcomes: 0, joined: 0 };
    const nothing = text({ counts, rejections: new Map(), inTheAir: 0, quality: { count: 0, baseRate: NaN, auc: NaN, brier: NaN, baseBrier: NaN }, latencyMs: { p50: undefined, p99: undefined }, versions: [], skew: { ...facts.skew, reads: 0 } });
    expect(nothing).not.toContain('NaN');
  });
});

describe('alerts', () => {
  it('of one kind are one phrase', () => {
    const alert = (kind: string, subject: string) => ({ tier: 'alarm', kind, subject, summary: `${subject} is not what it was` });
    expect(alertPhrases([alert('data_drift', 'hour'), alert('quality', 'auc'), alert('data_drift', 'weekday'), alert('data_drift', 'hour')])).toEqual(['alarm: data drift of hour, weekday', 'alarm: auc is not what it was']);
  });
});

describe('the live line', () => {
  const moment = {
    eventTimeMs: facts.fromMs, predictionsPerSecond: 412.4, outcomesPerSecond: 380, joined: 1234, lag: new Map([['inference-worker', 3], ['outcome-ledger', 1200]]),
    version: '2', auc: 0.7009, alerts: 1, throttle: { share: 1 },
  };

  it('says how fast, how far, how good and how far behind', () => {
    expect(liveLine(moment)).toBe('2001-01-29 10:00Z · 412 predictions/s · 380 outcomes/s · 1,234 joined · AUC 0.701 · v2 · 1 alert · lag: worker 3, ledger 1,200');
  });

  it('says that it is slowed down, and for whom', () => {
    const throttle = { share: 0.49, behind: { consumer: 'feature-store', messages: 3000, seconds: 3.21 } };
    expect(liveLine({ ...moment, throttle })).toContain('at 49 % of its speed: feature-store is 3.2 s behind');
    expect(liveLine({ ...moment, throttle: { share: 0.8 } })).toContain('at 80 % of its speed ·');
  });
});

describe('a story', () => {
  it('leads from the request through the features to what came of it', () => {
    const lines = storyLines({
      predictionId: '7b212440-b1dc-594b-8abd-341079a85bb3', request: { id: 'MLI-STL-1', occurredAt: '2001-01-29T20:25:00.000Z', requestedAt: '2026-11-21T10:14:50.000Z', coordinates: 'prediction.requested.v1/3/2165' },
      answer: { version: '1', artifactSha256: 'd671b6916ffab', role: 'champion', assignmentRevision: 1, score: 0.94, threshold: 0.29, batchSize: 17, worker: 'w1', timingsMs: { total: 1.92 }, coordinates: 'prediction.scored.v1/3/2165' },
      features: [{ name: 'hour', value: 14 }, { name: 'origin_departures_1h', value: 18.93704, ageSeconds: 120, defaulted: true }],
      outcome: { value: true, source: 'arrivals', occurredAt: '2001-01-29T21:19:00.000Z', delaySeconds: 3240, correct: true }, trace: { traceId: '1bc2', sampled: true },
    });
    expect(lines.join('\n')).toBe(`Prediction 7b212440-b1dc-594b-8abd-341079a85bb3
  asked                   2001-01-29T20:25:00.000Z, on departure of MLI-STL-1 (prediction.requested.v1/3/2165)
  answered                94.0 % likely to be late (late from 29.0 % on), after 1.9 ms (prediction.scored.v1/3/2165)
  by                      v1 (d671b6916ffa…), champion, assignment revision 1, one of a batch of 17, w1
    hour                  14
    origin_departures_1h  18.937 (default) (120 s old)
  outcome                 late, says arrivals, at 2001-01-29T21:19:00.000Z, 0.9 h after the request: the model was right
  trace                   1bc2, sampled`);
  });
});
