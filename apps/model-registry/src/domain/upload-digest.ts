import { createHash } from 'node:crypto';
import type { UploadMetadata } from './metadata.js';

export interface UploadIdentity {
  readonly artifactSha256: string;
  readonly metadata: UploadMetadata;
  readonly referenceSha256?: string | undefined;
}

/** What makes two uploads the same one: the bytes of both files and the metadata's meaning, whatever the order of its keys. */
export function uploadDigest({ artifactSha256, metadata, referenceSha256 }: UploadIdentity): string {
  return createHash('sha256').update(canonical([artifactSha256, metadata, referenceSha256 ?? null])).digest('hex');
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(',')}}`;
}
