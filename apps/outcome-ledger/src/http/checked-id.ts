import { ContractError } from '@throughline/contracts';
import { canonicalId } from '../domain/prediction.js';

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

const TRACE_ID = /^[0-9a-f]{32}$/;
const HOW_TO_FIND_ONE = 'Predictions are found by `npx throughline predictions list` (GET /ledger/v1/predictions); spans have their id as throughline.prediction.id.';

/** @throws ContractError `invalid_request` that names the field, for what is no id */
export function checkedId(given: string, field = 'predictionId'): string {
  const id = canonicalId(given);
  if (UUID.test(id)) return id;
  if (field !== 'predictionId') throw new ContractError('invalid_request', `${field} is not a UUID`);
  throw new ContractError('invalid_request', `predictionId is not a UUID${TRACE_ID.test(id) ? ': it has the form of a trace’s id' : ''}`, { cure: HOW_TO_FIND_ONE });
}
