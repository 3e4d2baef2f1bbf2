import type { ServingReported } from '@throughline/contracts';
import type { RolloutReport } from '../report/rollout-report.js';

const CHAMPION = { answers: 4800, outcomes: 900, errorShare: 0.001, fallbackShare: 0, latencyMs: { p50: 1.9, p95: 4.1, p99: 8.2 }, meanScore: 0.21, meanLoss: { wrong: 0.19, squared_error: 0.142, absolute_error: 0.28 }, meanValueMicroUsd: 310 };
const CANDIDATE = { answers: 1200, outcomes: 220, errorShare: 0.002, fallbackShare: 0, latencyMs: { p50: 2, p95: 4.4, p99: 8.9 }, meanScore: 0.22, meanLoss: { wrong: 0.18, squared_error: 0.138, absolute_error: 0.27 }, meanValueMicroUsd: 330 };
const COMPARISON = { difference: -0.004, standardError: 0.003, low: -0.016, high: 0.008, fixedLow: -0.01, fixedHigh: 0.002, candidate: 0.138, champion: 0.142, samples: { candidate: 220, champion: 900 } };

export const REPORT_EXAMPLE: RolloutReport = {
  id: '3f0e6c8e-3b0a-4f64-9a57-0a4f7a1d2b11', model: 'flight-delay', strategy: 'canary', champion: '2', candidate: '3', status: 'running', author: 'ada@example.org', reason: 'trained on May',
  startedAt: '2026-11-21T12:00:00.000Z', endedAt: undefined, conclusion: undefined, generatedAt: '2026-11-21T12:20:00.000Z',
  arms: { champion: CHAMPION, candidate: CANDIDATE },
  steps: [{ step: 1, revision: 12, share: 0.2, startedAt: '2026-11-21T12:01:00.000Z', endedAt: undefined, arms: { champion: CHAMPION, candidate: CANDIDATE } }],
  verdicts: [{ guard: 'error_rate', state: 'ok', candidate: 0.002, champion: 0.001, difference: 0.001, low: -0.002, high: 0.004, limit: 0.01, samples: { candidate: 1200, champion: 4800 }, says: 'Error rate: candidate 0.002, champion 0.001.' }],
  agreement: { value: 0.97, low: 0.95, high: 0.99, samples: 1200 },
  scoreDifference: {
    comparisons: 1200, mean: { value: 0.01, low: -0.01, high: 0.03, samples: 1200 }, meanAbsolute: { value: 0.04, low: 0.02, high: 0.06, samples: 1200 },
    quantiles: { p01: -0.2, p05: -0.1, p25: -0.02, p50: 0.01, p75: 0.04, p95: 0.12, p99: 0.25 }, histogram: [{ from: -0.1, to: 0, count: 500 }, { from: 0, to: 0.1, count: 700 }],
  },
  scores: { champion: [{ from: 0, to: 0.5, count: 0.9 }, { from: 0.5, to: 1, count: 0.1 }], candidate: [{ from: 0, to: 0.5, count: 0.88 }, { from: 0.5, to: 1, count: 0.12 }] },
  outcomes: [{ measure: 'squared_error', ...COMPARISON }, { measure: 'squared_error', segment: 'hubs', ...COMPARISON }],
  development: { measure: 'squared_error', limit: 0.01, points: [{ at: '2026-11-21T12:18:00.000Z', outcomes: 1120, difference: -0.004, low: -0.016, high: 0.008 }] },
  disagreements: [{ step: 1, predictionId: '144b57b9-18f6-5660-a1ee-28d5d3ae0b77', championScore: 0.2, candidateScore: 0.9, difference: 0.7, decisionsDiffer: true, entities: { origin: 'SFO' }, occurredAt: '2026-11-21T12:10:00.000Z' }],
};

export const SERVING_EXAMPLE: ServingReported[] = [
  { worker: 'worker-1', model: 'flight-delay', revision: 12, warm: ['2', '3'], cold: [], reportedAt: '2026-11-21T12:20:00.000Z' },
  { worker: 'worker-2', model: 'flight-delay', revision: 12, warm: ['2'], cold: [{ version: '3', code: 'artifact_load_failed', reason: 'unknown operator' }], reportedAt: '2026-11-21T12:19:40.000Z' },
];
