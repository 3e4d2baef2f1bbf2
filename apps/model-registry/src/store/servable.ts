import { ContractError } from '@throughline/contracts';
import type { EntityManager } from 'typeorm';
import type { ArtifactFormat } from '../domain/format.js';
import { missingLineage, type LineageField } from '../domain/lineage.js';
import type { UploadMetadata } from '../domain/metadata.js';
import { writeAudit, type Attribution } from './audit.js';

type Lineage = Pick<UploadMetadata, LineageField>;

interface Candidate extends Lineage {
  readonly version: number;
  readonly format: ArtifactFormat;
  readonly archivedAt: Date | null;
  readonly isOverridden: boolean;
}

const CANDIDATES_SQL = `
  SELECT v.version, v.format, v.metadata->'dataset' AS dataset, v.metadata->'codeCommit' AS "codeCommit", v.metadata->'metrics' AS metrics,
    EXISTS (SELECT 1 FROM version_overrides o WHERE o.model = v.model AND o.version = v.version) AS "isOverridden",
    (SELECT CASE WHEN archived THEN at END FROM version_archives a WHERE a.model = v.model AND a.version = v.version ORDER BY id DESC LIMIT 1) AS "archivedAt"
  FROM versions v WHERE v.model = $1 AND v.version = ANY($2) ORDER BY v.version`;

/**
 * Refuses versions that must not serve: archived ones, and those that do not say what made them unless somebody has let them in by name. Within a
 * transaction that holds the model's lock; versions that do not exist are no business of this.
 *
 * @param by with an `override` it is put on record for each version that needs one, before the check
 * @throws ContractError `archived`, `lineage_incomplete` that names what is missing
 */
export async function requireServable(manager: EntityManager, model: string, versions: readonly number[], by?: Attribution, at = new Date()): Promise<void> {
  if (versions.length === 0) return;
  for (const candidate of await manager.query<Candidate[]>(CANDIDATES_SQL, [model, [...versions]])) {
    const { version, format, archivedAt, isOverridden } = candidate;
    if (archivedAt !== null) throw archivedVersion(model, version, archivedAt);
    const missing = missingLineage(format, candidate);
    if (missing.length === 0 || isOverridden) continue;
    if (by?.override === undefined) throw incompleteVersion(model, version, missing);
    await recordOverride(manager, model, version, { author: by.author, reason: by.override }, at);
  }
}

/** Refuses an archived version for an alias. @throws ContractError `archived` */
export async function requireUnarchived(manager: EntityManager, model: string, version: number): Promise<void> {
  for (const { archivedAt } of await manager.query<Candidate[]>(CANDIDATES_SQL, [model, [version]])) {
    if (archivedAt !== null) throw archivedVersion(model, version, archivedAt);
  }
}

/** Puts on record that somebody answers for a version, in the caller's transaction. */
export async function recordOverride(manager: EntityManager, model: string, version: number, { author, reason }: { author: string; reason: string }, at: Date): Promise<void> {
  await manager.query('INSERT INTO version_overrides (model, version, author, reason, at) VALUES ($1, $2, $3, $4, $5)', [model, version, author, reason, at]);
  await writeAudit(manager, { at, actor: author, action: 'version.override', model, detail: { version: String(version), reason } });
}

const archivedVersion = (model: string, version: number, at: Date): ContractError =>
  new ContractError('archived', `version ${version} of “${model}” is archived since ${at.toISOString()}`, { cure: `Bring it back: POST /registry/v1/models/${model}/versions/${version}/restore, or choose another version.` });

const incompleteVersion = (model: string, version: number, missing: readonly LineageField[]): ContractError =>
  new ContractError('lineage_incomplete', `version ${version} of “${model}” does not say its ${missing.join(', ')}`, {
    cure: `Upload it again with ${missing.join(', ')} in the metadata; or answer for it by name: POST /registry/v1/models/${model}/versions/${version}/overrides {"author": …, "reason": …}.`,
  });
