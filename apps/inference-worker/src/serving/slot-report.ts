import type { ContractError, ModelDeployment, ServingReported } from '@throughline/contracts';
import { versionsOf, type Assignment } from '../domain/assignment.js';
import type { LoadedModel } from './loaded-model.js';

/** What a worker holds of one model. */
export type SlotReport = Pick<ServingReported, 'revision' | 'warm' | 'cold'>;

/**
 * Of what serves and of what is desired, which are the same unless a champion does not load: which versions would answer at once, and why the
 * others would not.
 *
 * @param faults of the desired deployment's versions; one that is not warm and has none is on its way
 */
export function slotReport(desired: ModelDeployment, { revision, versions, cold }: Pick<Assignment<LoadedModel>, 'revision' | 'versions' | 'cold'>, faults: ReadonlyMap<string, ContractError>): SlotReport {
  const report = { revision, warm: [] as string[], cold: [] as SlotReport['cold'] };
  for (const version of new Set([...versions.keys(), ...cold, ...versionsOf(desired).map((named) => named.version)])) {
    const model = versions.get(version);
    if (model?.isResident === true) {
      report.warm.push(version);
      continue;
    }
    const fault = faults.get(version) ?? model?.fault;
    report.cold.push(fault === undefined ? { version } : { version, code: fault.code, reason: fault.message });
  }
  return report;
}
