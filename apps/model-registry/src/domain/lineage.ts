import type { ArtifactFormat } from './format.js';
import type { UploadMetadata } from './metadata.js';

/** What a version must say of its making before it serves. */
export const LINEAGE = ['dataset', 'codeCommit', 'metrics'] as const;
export type LineageField = (typeof LINEAGE)[number];

/**
 * What a version does not say of what made it. Rules are their own code, and nothing trained them.
 *
 * @returns the missing fields, in the order of `LINEAGE`; none if it may serve
 */
export function missingLineage(format: ArtifactFormat, metadata: Pick<UploadMetadata, LineageField>): LineageField[] {
  return format === 'rules' ? [] : LINEAGE.filter((field) => isEmpty(metadata[field]));
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' ? value.trim() === '' : Object.keys(value).length === 0);
