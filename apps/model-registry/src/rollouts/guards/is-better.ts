import type { Evidence } from '../domain/evidence.js';
import type { RolloutSpec } from '../domain/spec.js';
import { compare } from './compare.js';

/**
 * Whether the candidate's outcomes are better than the champion's beyond doubt, at the end of an A/B or shadow: its loss is lower, or where a guard
 * watches business value, its value higher. The end of an A/B was fixed beforehand, so that the fixed-horizon interval holds there; that of any
 * other comes when it comes.
 */
export function isBetter(spec: RolloutSpec, evidence: Evidence): boolean {
  const isFixed = spec.strategy === 'ab';
  const values = spec.guards.some(({ kind }) => kind === 'business_value');
  const quality = spec.guards.find((guard) => guard.kind === 'quality');
  const comparison = values ? compare(spec, evidence, 'value') : compare(spec, evidence, quality?.loss ?? 'squared_error');
  if (comparison === undefined) return false;
  if (values) return (isFixed ? comparison.fixedLow : comparison.low) > 0;
  return (isFixed ? comparison.fixedHigh : comparison.high) < 0;
}
