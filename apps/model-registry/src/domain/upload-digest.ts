import { createHash } from 'node:crypto';
import { canonical } from './canonical.js';
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
