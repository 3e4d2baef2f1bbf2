import { ContractError } from '@throughline/contracts';
import { ANONYMOUS, authorOf, hasRole, requireRole, type Principal } from '@throughline/http';
import type { Promoter } from '../rollouts/promotions.js';
import type { Attribution } from '../store/audit.js';

/** Who goes on record. @throws ContractError `invalid_request` for an override that is nobody’s, `forbidden` */
export function attribution(caller: Principal, { author, reason, override }: { author?: string; reason?: string; override?: string }): Attribution {
  const by = authorOf(caller, author);
  if (override !== undefined && author === undefined && isNobody(caller)) throw new ContractError('invalid_request', 'author is missing: an override is somebody’s', { cure: 'Say who answers for it: "author".' });
  // Answering for a version is an approver's, whichever door it comes by.
  if (override !== undefined) requireRole(caller, 'approver');
  return { author: by, reason, override };
}

/** Who is known by name approves by their role; where nobody has to say who they are, by saying so. */
export function promoter(caller: Principal, body: { author?: string; reason?: string; override?: string; approve?: boolean }): Promoter {
  const mayApprove = isNobody(caller) ? body.approve === true && body.author !== undefined : hasRole(caller, 'approver');
  return { ...attribution(caller, body), mayApprove };
}

const isNobody = (caller: Principal): boolean => caller === ANONYMOUS;
