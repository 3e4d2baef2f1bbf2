import type { FeatureSpec } from '@throughline/contracts';
import { inTransaction } from '@throughline/db';
import type { DataSource } from 'typeorm';
import type { OutcomeReading } from '../outcomes/domain/declaration.js';
import type { Declarations } from '../outcomes/store/declarations.js';
import type { KnownVersion, ServedVersions } from '../store/served-versions.js';
import { stratumOf, type Arm, type Stratum } from './domain/arms.js';
import { mapFeatures } from './domain/features-by-name.js';
import type { AnsweredBy } from './past.js';

/** A version that answered in the period, as the ledger's dictionary knows it. */
export interface PastVersion {
  readonly version: string;
  readonly known: KnownVersion;
  readonly features: readonly FeatureSpec[];
  readonly reading: OutcomeReading;
}

/** The versions that answered, by their id in the dictionary. One that no deployment has described has no features by name. */
export async function versionsOf(source: DataSource, dictionary: ServedVersions, declarations: Declarations, model: string, answered: readonly AnsweredBy[]): Promise<Map<number, PastVersion>> {
  const declared = declarations.of(model);
  return inTransaction(source, async (manager) => {
    const versions = new Map<number, PastVersion>();
    for (const { servedVersionId, version } of answered) {
      if (versions.has(servedVersionId)) continue;
      const known = await dictionary.entryById(manager, servedVersionId);
      if (known === undefined) continue;
      const { signature } = known;
      versions.set(servedVersionId, { version, known, features: signature?.features ?? [], reading: { task: signature?.task, threshold: signature?.score?.threshold, declared } });
    }
    return versions;
  });
}

const isArm = ({ role, isFallback }: AnsweredBy): boolean => !isFallback && (role === 'champion' || role === 'challenger');

/** Versions that shared traffic with another one: what they would have decided matters. */
export function sharingVersions(answered: readonly AnsweredBy[]): Set<number> {
  return new Set(answered.filter((one) => isArm(one) && one.propensity !== undefined).map(({ servedVersionId }) => servedVersionId));
}

/**
 * Who shared the traffic, by revision.
 *
 * @param askable ids of versions that can be scored with
 */
export function strataOf(answered: readonly AnsweredBy[], versions: ReadonlyMap<number, PastVersion>, candidate: { version: string | undefined; features: readonly FeatureSpec[] }, askable: ReadonlySet<number>): Map<number, Stratum> {
  const strata = new Map<number, Stratum>();
  for (const [revision, all] of Map.groupBy(answered.filter(isArm), (one) => one.revision)) {
    const sharing = all.filter(({ propensity }) => propensity !== undefined);
    const featuresOf = (id: number): readonly FeatureSpec[] => versions.get(id)?.features ?? [];
    const covers = (stored: readonly FeatureSpec[], wanted: readonly FeatureSpec[]): boolean => wanted.length > 0 && mapFeatures(stored, wanted).missing.length === 0;
    const wanted = [candidate.features, ...sharing.map(({ servedVersionId }) => featuresOf(servedVersionId))];
    const isAskable = sharing.every(({ servedVersionId }) => askable.has(servedVersionId) && wanted.every((features) => covers(featuresOf(servedVersionId), features)));
    const arms = all.map(({ version, role, propensity }): Arm => ({ version, role, propensity }));
    strata.set(revision, stratumOf(arms, candidate.version, isAskable));
  }
  return strata;
}
