import fc from 'fast-check';
import { expect, it } from 'vitest';
import { timelineOf } from './timeline.js';

const timingsMs = { transport: 4, queue: 0.25, features: 1.5, preprocess: 0.125, inference: 2, postprocess: 0.5, total: 9 };

it('the scoring begins when the worker picked the request up, and ends when the brokers had its answer', () => {
  const { scoring, stages, send } = timelineOf({ requestedAtMs: 1000, answeredAtMs: 1009, publishedAtMs: 1012, timingsMs });
  expect(scoring).toEqual({ startMs: 1004, endMs: 1012 });
  expect(stages).toEqual({ features: { startMs: 1004, endMs: 1005.5 }, queue: { startMs: 1005.5, endMs: 1005.75 }, compute: { startMs: 1005.875, endMs: 1007.875 } });
  expect(send).toEqual({ startMs: 1009, endMs: 1012 });
});

it('a rejected request has no stages but the sending', () => {
  expect(timelineOf({ requestedAtMs: 1000, answeredAtMs: 1005, publishedAtMs: 1006, timingsMs: { transport: 4, total: 5 } })).toEqual({ scoring: { startMs: 1004, endMs: 1006 }, stages: undefined, send: { startMs: 1005, endMs: 1006 } });
});

it('a worker whose clock is behind the brokers’ is believed about its own time', () => {
  expect(timelineOf({ requestedAtMs: 1000, answeredAtMs: 905, publishedAtMs: 1006, timingsMs: { ...timingsMs, transport: 0, total: 5 } }).scoring.startMs).toBe(900);
});

it('without timings it is one moment, and never ends before it begins', () => {
  expect(timelineOf({ requestedAtMs: 1000, answeredAtMs: 1003, publishedAtMs: undefined, timingsMs: undefined })).toEqual({ scoring: { startMs: 1000, endMs: 1003 }, stages: undefined, send: { startMs: 1000, endMs: 1003 } });
});

const ms = fc.double({ min: 0, max: 10_000, noNaN: true });

it('whatever was measured, stages follow one another within the scoring', () => {
  fc.assert(fc.property(fc.record({ transport: ms, queue: ms, features: ms, preprocess: ms, inference: ms, postprocess: ms }), ms, (timings, lateMs) => {
    const total = Object.values(timings).reduce((sum, one) => sum + one, 0);
    const requestedAtMs = 1_000_000;
    const { scoring, stages, send } = timelineOf({ requestedAtMs, answeredAtMs: requestedAtMs + total, publishedAtMs: requestedAtMs + total + lateMs, timingsMs: { ...timings, total } });
    const edges = [scoring.startMs, stages!.features.endMs, stages!.queue.endMs, stages!.compute.startMs, stages!.compute.endMs, send.startMs, send.endMs];
    edges.slice(1).forEach((edge, index) => expect(edge).toBeGreaterThanOrEqual(edges[index]! - 1e-6));
    expect(send.endMs).toBe(scoring.endMs);
  }));
});
