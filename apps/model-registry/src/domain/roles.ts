import type { Assignment } from './deployment.js';
import { versionsOfFallbacks } from './fallbacks.js';

/** The roles in which an assignment has a version. */
export function rolesOf({ champion, challengers, shadows, standbys = [], fallbacks = [] }: Assignment, version: number): string[] {
  const roles: [string, boolean][] = [
    ['champion', champion === version],
    ['challenger', challengers.some((challenger) => challenger.version === version)],
    ['shadow', shadows.includes(version)],
    ['standby', standbys.includes(version)],
    ['fallback', versionsOfFallbacks(fallbacks).includes(version)],
  ];
  return roles.flatMap(([role, has]) => (has ? [role] : []));
}
