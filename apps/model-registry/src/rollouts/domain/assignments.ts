import type { RolloutRef } from '@throughline/contracts';
import { withChampion, type Assignment } from '../../domain/deployment.js';
import type { Rollout } from './rollout.js';

type Subject = Pick<Rollout, 'id' | 'base' | 'champion' | 'spec'>;

/** What serves in a step; step 0, the warming, has the candidate warm and without traffic. */
export function assignmentOfStep(rollout: Subject, step: number): Assignment {
  const { id, base, champion, spec } = rollout;
  const { candidate, strategy } = spec;
  const free = without(base, candidate);
  const rest: Assignment = { ...free, splitSalt: undefined, rollout: refOf(rollout, step) };
  if (step === 0) return { ...rest, standbys: [...(free.standbys ?? []), candidate] };
  if (strategy === 'shadow') return { ...rest, shadows: [...free.shadows, candidate] };
  if (strategy === 'blue_green') return { ...rest, champion: candidate, standbys: [...(free.standbys ?? []), champion] };
  return { ...rest, challengers: [{ version: candidate, share: spec.steps[step - 1]!.share }], splitSalt: id };
}

/** What serves once the candidate has won: it alone has the traffic. Workers keep the old champion warm until their next swap. */
export const promotedAssignment = ({ base, spec }: Subject): Assignment => withChampion(without(base, spec.candidate), spec.candidate);

/** What serves after a rollback, an abort, or an end that decides nothing: as before. */
export const restoredAssignment = ({ base }: Subject): Assignment => base;

const refOf = ({ id, spec: { strategy, candidate } }: Subject, step: number): RolloutRef => ({ id, strategy, candidate: String(candidate), step });

/** The assignment without a role for this version. */
const without = (base: Assignment, version: number): Assignment => ({
  ...base,
  shadows: base.shadows.filter((one) => one !== version),
  standbys: base.standbys?.filter((one) => one !== version),
});
