import { ERRORS, type ErrorCode, type Fallback, type ServedVersion } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FallbackStep } from './assignment.js';
import { fallbackPlan, isRescuable, type Plight } from './fallback-plan.js';

const version = (name: string): ServedVersion => ({ version: name, artifactSha256: '', sizeBytes: 0, signature: { inputs: [], outputs: [], features: [], task: 'other' } });
const good = (maxAgeSeconds: number): FallbackStep<string> => ({ fallback: { kind: 'last_known_good', maxAgeSeconds }, served: undefined });
const scored = (kind: 'previous_version' | 'rules', served: string | undefined): FallbackStep<string> => ({ fallback: { kind, served: version(served ?? 'cold') }, served });
const constant: FallbackStep<string> = { fallback: { kind: 'constant', outputs: {} }, served: undefined };

const plight = (more: Partial<Plight<string>> = {}): Plight<string> => ({
  code: 'model_failed', isPredictedLate: false, isPinned: false, asked: 'champion', hasUnreadableTensors: false, rememberedAgeSeconds: undefined, isInTime: () => false, ...more,
});
const kinds = (steps: FallbackStep<string>[], more: Partial<Plight<string>> = {}): Fallback['kind'][] => fallbackPlan(steps, plight(more)).map(({ fallback }) => fallback.kind);
const all = [good(60), scored('previous_version', 'before'), scored('rules', 'heuristic'), constant];

describe('fallbacks', () => {
  it.each<[ErrorCode]>([['wrong_type'], ['wrong_shape'], ['value_forbidden'], ['schema_invalid'], ['undecodable'], ['unknown_model'], ['unknown_version'], ['poison'], ['internal'], ['message_too_large'], ['invalid_request']])('never answer for %s', (code) => {
    expect(kinds(all, { code, rememberedAgeSeconds: 0 })).toEqual([]);
  });

  it.each<[ErrorCode]>([['model_failed'], ['model_not_ready'], ['circuit_open'], ['overloaded'], ['feature_missing'], ['unavailable'], ['artifact_load_failed']])('answer for %s, in the order of the deployment', (code) => {
    expect(kinds(all, { code, rememberedAgeSeconds: 60 })).toEqual(['last_known_good', 'previous_version', 'rules', 'constant']);
    expect(kinds(all.toReversed(), { code, rememberedAgeSeconds: 60 })).toEqual(['constant', 'rules', 'previous_version', 'last_known_good']);
  });

  it('never answer for a pinned version', () => {
    expect(kinds(all, { isPinned: true, rememberedAgeSeconds: 0 })).toEqual([]);
  });

  it('answer for a deadline while it is a forecast, and never once it has passed', () => {
    expect(isRescuable({ code: 'deadline_exceeded', isPredictedLate: true, isPinned: false })).toBe(true);
    expect(isRescuable({ code: 'deadline_exceeded', isPredictedLate: false, isPinned: false })).toBe(false);
  });

  it('send a request that is short of time only to a version known to be fast enough', () => {
    const late = { code: 'deadline_exceeded', isPredictedLate: true, rememberedAgeSeconds: 1 } as const;
    expect(kinds(all, late)).toEqual(['last_known_good', 'rules', 'constant']);
    expect(kinds(all, { ...late, isInTime: (served) => served === 'before' })).toEqual(['last_known_good', 'previous_version', 'rules', 'constant']);
  });

  it('leave out what is not there: an answer too old or none, a version that is not warm', () => {
    expect(kinds([good(60), constant], { rememberedAgeSeconds: 60.001 })).toEqual(['constant']);
    expect(kinds([good(60), scored('previous_version', undefined), scored('rules', undefined)])).toEqual([]);
  });

  it('do not ask once more the version that could not answer', () => {
    expect(kinds([scored('previous_version', 'champion'), scored('rules', 'heuristic')])).toEqual(['rules']);
  });

  it('do not guess by whose signature tensors are meant', () => {
    expect(kinds(all, { asked: undefined, hasUnreadableTensors: true, rememberedAgeSeconds: 1 })).toEqual(['last_known_good', 'constant']);
  });

  it('keep the order of the deployment whatever happens', () => {
    const steps = fc.array(fc.constantFrom(...all, good(1), scored('rules', undefined)), { maxLength: 8 });
    const code = fc.constantFrom(...(Object.keys(ERRORS) as ErrorCode[]));
    fc.assert(
      fc.property(steps, code, fc.boolean(), fc.boolean(), fc.option(fc.nat(100), { nil: undefined }), (given, failed, isPredictedLate, isPinned, rememberedAgeSeconds) => {
        const plan = fallbackPlan(given, plight({ code: failed, isPredictedLate, isPinned, rememberedAgeSeconds }));
        let from = 0;
        for (const step of plan) {
          from = given.indexOf(step, from) + 1;
          expect(from).toBeGreaterThan(0);
        }
      }),
    );
  });
});
