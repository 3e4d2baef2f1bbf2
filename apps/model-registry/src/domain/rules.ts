import { ContractError, type ModelSignature } from '@throughline/contracts';
import { compileRules, parseRules, RulesError, type RulesSignature } from '@throughline/rules';
import { checkFeatures } from './metadata.js';
import { checkPacking } from './signature.js';

/**
 * The signature that a rules document declares.
 *
 * @param bytes the document
 * @throws ContractError `rules_invalid` with the place of the fault and what to do about it
 */
export function rulesSignature(bytes: Uint8Array): ModelSignature {
  const signature: ModelSignature = compiled(bytes);
  checkFeatures(signature.features, signature.entities, (reason) => new ContractError('rules_invalid', reason, { cure: 'Correct the feature in the document.' }));
  checkPacking(signature);
  return signature;
}

function compiled(bytes: Uint8Array): RulesSignature {
  try {
    return compileRules(parseRules(bytes)).signature;
  } catch (error) {
    if (error instanceof RulesError) throw new ContractError('rules_invalid', error.message, { cause: error, cure: error.cure });
    throw error;
  }
}
