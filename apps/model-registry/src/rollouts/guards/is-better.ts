import type { Evidence } from '../domain/evidence.js';
import type { RolloutSpec } from '../domain/spec.js';
import { compare } from './compare.js';

/**
 * Whether the candidate's outcomes are better than the champion's, beyond doubt: worth more, where a guard watches the value of decisions, else with less loss. The interval of 95 % must
 * lie wholly on the better side; of an A/B, which ends at a time fixed beforehand, the fixed one, elsewhere the one that is valid at every look.
 *
 * @returns false too while outcomes are missing, or no guard says what better means
 */
export function isBetter(spec: RolloutSpec, evidence: Evidence): boolean {
  const value = spec.guards.find((guard) => guard.kind === 'business_value');
  const quality = spec.guards.find((guard) => guard.kind === 'quality');
  const minSamples = (value ?? quality)?.minSamples;
  const measure = value === undefined ? quality?.loss : 'value';
  if (measure === undefined || minSamples === undefined) return false;
  const found = compare(spec, evidence, measure);
  if (found === undefined || Math.min(found.samples.candidate, found.samples.champion) < minSamples) return false;
  const { low, high } = spec.strategy === 'ab' ? { low: found.fixedLow, high: found.fixedHigh } : found;
  return value === undefined ? high < 0 : low > 0;
}
