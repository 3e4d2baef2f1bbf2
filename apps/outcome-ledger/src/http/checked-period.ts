import { ContractError } from '@throughline/contracts';

/**
 * @param fromMs inclusive, epoch milliseconds
 * @param toMs exclusive
 * @param unlessGiven what `to` is where nobody gives it
 * @throws ContractError `invalid_request` that says both, for a period that ends before it begins
 */
export function checkPeriod(fromMs: number, toMs: number, unlessGiven?: string): void {
  if (fromMs < toMs) return;
  throw new ContractError('invalid_request', `from must be before to: from is ${told(fromMs)}, to is ${told(toMs)}`, { cure: `Give an earlier from, or a later to${unlessGiven === undefined ? '' : `, which is ${unlessGiven} unless it is given`}.` });
}

const told = (ms: number): string => new Date(ms).toISOString();
