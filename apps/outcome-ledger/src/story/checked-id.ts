import { ContractError } from '@throughline/contracts';
import { canonicalId } from '../domain/prediction.js';

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** @throws ContractError `invalid_request` for what is no prediction id */
export function checkedId(predictionId: string): string {
  const id = canonicalId(predictionId);
  if (!UUID.test(id)) throw new ContractError('invalid_request', 'predictionId is not a UUID');
  return id;
}
