import { ContractError } from '@throughline/contracts';
import { canonicalId } from '../domain/prediction.js';

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** @throws ContractError `invalid_request` that names the field, for what is no id */
export function checkedId(given: string, field = 'predictionId'): string {
  const id = canonicalId(given);
  if (!UUID.test(id)) throw new ContractError('invalid_request', `${field} is not a UUID`);
  return id;
}
