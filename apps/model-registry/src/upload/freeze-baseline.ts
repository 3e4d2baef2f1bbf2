import { ContractError } from '@throughline/contracts';
import type { FreezeBaseline } from './register-version.js';

export const freezeBaseline: FreezeBaseline = async () => {
  throw new ContractError('invalid_request', 'reference: not supported yet');
};
