import type { AlertRaised } from '@throughline/contracts';
import type { Decision, Rollout } from './rollout.js';
import type { GuardKind } from './spec.js';

type RollBack = Extract<Decision, { kind: 'roll_back' }>;

/**
 * What operators are told of a rollback. Kinds of alerts are a closed list: a guard's breach is one of quality, a shift of the scores one of
 * prediction drift. It names the candidate, so that nobody retrains the champion for it.
 *
 * @param idOf makes the id from the rollback's identity: told twice, it is one alert
 */
export function rollbackAlert({ id, model, spec }: Pick<Rollout, 'id' | 'model' | 'spec'>, { cause, reason, breached }: RollBack, nowMs: number, idOf: (identity: string) => string): AlertRaised {
  const [worst] = breached;
  const figures = { candidate: worst?.candidate, champion: worst?.champion, difference: worst?.difference, low: worst?.low, high: worst?.high, limit: worst?.limit };
  return {
    alertId: idOf(`rollback\n${id}`),
    model, version: String(spec.candidate), kind: kindOf(cause, worst?.guard), tier: 'alarm',
    subject: `rollout/${worst === undefined ? cause : worst.segment === undefined ? worst.guard : `${worst.guard}/${worst.segment}`}`,
    summary: `Rolled back: ${reason} Rollout ${id}.`,
    ...(worst === undefined ? {} : { sampleCount: worst.samples.candidate }),
    evidence: Object.fromEntries(Object.entries(figures).filter((entry): entry is [string, number] => entry[1] !== undefined && Number.isFinite(entry[1]))),
    raisedAt: new Date(nowMs).toISOString(),
  };
}

function kindOf(cause: RollBack['cause'], guard: GuardKind | undefined): AlertRaised['kind'] {
  if (cause === 'artifact') return 'artifact';
  return guard === 'score_shift' ? 'prediction_drift' : 'quality';
}
