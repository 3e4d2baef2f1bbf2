import type { AlertRaised } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import { decideOnAlert, DEFAULT_POLICY, policyProblems, type RetrainingPolicy, type Situation } from './policy.js';

const NOW = Date.UTC(2026, 10, 21, 12);
const alert = (change: Partial<AlertRaised> = {}): AlertRaised => ({
  alertId: '6f1d5f3e-2c55-5c0a-9b1e-7d1f3a0c5b42', model: 'late', version: '3', kind: 'quality', tier: 'alarm', subject: 'auc',
  summary: 'AUC fell to 0.61', evidence: { auc: 0.61 }, raisedAt: new Date(NOW).toISOString(), ...change,
});
const situation = (change: Partial<Situation> = {}): Situation => ({
  policy: DEFAULT_POLICY, championVersion: '3', inFlightRunId: undefined, lastFinishedAtMs: undefined, nowMs: NOW, ...change,
});
const policy = (change: Partial<RetrainingPolicy>): RetrainingPolicy => ({ ...DEFAULT_POLICY, ...change });

describe('decideOnAlert', () => {
  it('starts a run on performance evidence, and says which', () => {
    expect(decideOnAlert(alert(), situation())).toEqual({ start: true, reason: 'quality alarm on auc: AUC fell to 0.61' });
  });

  it.each(['data_drift', 'prediction_drift', 'artifact', 'books'] as const)('never starts one on %s alone', (kind) => {
    expect(decideOnAlert(alert({ kind }), situation())).toEqual({ start: false, because: `${kind} is no evidence under the policy` });
  });

  it('starts one on drift when the policy says so explicitly', () => {
    const explicit = policy({ trigger: { kinds: ['quality', 'data_drift'], minTier: 'warn' } });
    expect(decideOnAlert(alert({ kind: 'data_drift', tier: 'warn' }), situation({ policy: explicit })).start).toBe(true);
  });

  it.each<[string, Partial<AlertRaised>, Partial<Situation>, string]>([
    ['the policy is disabled', {}, { policy: policy({ enabled: false }) }, 'the policy is disabled'],
    ['the tier is too low', { tier: 'warn' }, {}, 'the tier warn is below alarm'],
    ['nothing is deployed', {}, { championVersion: undefined }, 'the model has no champion'],
    ['the champion has changed since', { version: '2' }, {}, 'version 2 is not the champion any more'],
    ['a run is in flight', {}, { inFlightRunId: 'r1' }, 'run r1 is in flight'],
    ['the cooldown lasts', {}, { lastFinishedAtMs: NOW - 3600_000 }, 'the cooldown lasts another 18000 s'],
    ['a later run has answered it', { raisedAt: new Date(NOW - 8 * 3600_000).toISOString() }, { lastFinishedAtMs: NOW - 7 * 3600_000 }, 'a later run has answered it already'],
  ])('starts none when %s', (_, alertChange, situationChange, because) => {
    expect(decideOnAlert(alert(alertChange), situation(situationChange))).toEqual({ start: false, because });
  });

  it('starts the next once the cooldown has passed', () => {
    expect(decideOnAlert(alert(), situation({ lastFinishedAtMs: NOW - 6 * 3600_000 })).start).toBe(true);
  });
});

describe('policyProblems', () => {
  it('finds the default policy good', () => {
    expect(policyProblems(DEFAULT_POLICY)).toEqual([]);
  });

  it.each<[Partial<RetrainingPolicy>, string]>([
    [{ minLabels: 99 }, 'minLabels must be an integer from 100'],
    [{ cooldownSeconds: -1 }, 'cooldownSeconds must not be negative'],
    [{ windowSeconds: 0 }, 'windowSeconds must be above 0'],
    [{ heldOutFraction: 0.9 }, 'heldOutFraction must be between 0.05 and 0.5'],
    [{ trigger: { kinds: ['books' as never], minTier: 'alarm' } }, 'trigger.kinds must be among quality, data_drift, prediction_drift'],
  ])('names what is wrong: %j', (change, problem) => {
    expect(policyProblems(policy(change))).toEqual([problem]);
  });
});
