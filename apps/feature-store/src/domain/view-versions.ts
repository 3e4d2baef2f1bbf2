import { ContractError } from '@throughline/contracts';
import { featureViewProblems, sameFeatures, type FeatureViewDefinition } from '@throughline/features';

/**
 * What a definition put under a name becomes: the latest version if it says the same, else the next one. Old versions go on being
 * computed, because deployed models name the version they were trained with.
 *
 * @throws ContractError `invalid_request` naming what is wrong
 */
export function versionFor(latest: FeatureViewDefinition | undefined, wanted: Omit<FeatureViewDefinition, 'version'>): FeatureViewDefinition {
  const candidate: FeatureViewDefinition = { ...wanted, version: (latest?.version ?? 0) + 1 };
  const problems = featureViewProblems(candidate);
  if (problems.length > 0) throw new ContractError('invalid_request', problems.join('; '));
  return latest !== undefined && sameFeatures(latest, candidate) ? latest : candidate;
}
