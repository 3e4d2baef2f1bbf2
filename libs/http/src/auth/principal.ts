import { ContractError } from '@throughline/contracts';
import { opens, type Role } from './roles.js';

/** Who sends a request, as far as the service knows for sure. */
export interface Principal {
  /** `key:<name>` of an API key, the name claim of a token, `anonymous` where nobody must say who they are. */
  readonly name: string;
  readonly roles: readonly Role[];
  readonly team?: string | undefined;
}

/** Without authentication configured the service listens on loopback only, and whoever is on this machine may do everything. */
export const ANONYMOUS: Principal = { name: 'anonymous', roles: ['admin'] };

/** Whether the caller has the role, or one that includes it. */
export const hasRole = (principal: Principal, role: Role): boolean => opens(principal.roles, role);

/** Why a caller may not pass; `undefined` when they may. */
export function lackOf(principal: Principal, role: Role): ContractError | undefined {
  if (hasRole(principal, role)) return undefined;
  const has = principal.roles.length === 0 ? 'no role' : principal.roles.join(', ');
  return new ContractError('forbidden', `this needs the role ${role}; ${principal.name} has ${has}`);
}

/**
 * For what only the content of a request tells, such as which alias it moves.
 *
 * @throws ContractError `forbidden` that names the role
 */
export function requireRole(principal: Principal, role: Role): void {
  const lack = lackOf(principal, role);
  if (lack !== undefined) throw lack;
}

/** Who goes on record: the caller, whatever the body claims; where nobody must say who they are, what the body claims. */
export const authorOf = (principal: Principal, claimed?: string): string => (principal === ANONYMOUS ? (claimed ?? ANONYMOUS.name) : principal.name);
