import { join } from 'node:path';
import type { RegistrySettings } from '../config.js';
import type { ArtifactFiles } from './artifacts.js';
import { DiskArtifacts } from './disk-artifacts.js';

/** The store that the settings name. @throws Error for a bucket that is not named */
export async function openArtifacts(settings: RegistrySettings, nowMs: number): Promise<ArtifactFiles> {
  const root = join(settings.THROUGHLINE_HOME, 'artifacts');
  if (settings.REGISTRY_ARTIFACT_STORE === 'disk') return DiskArtifacts.open(root, nowMs);
  const { REGISTRY_S3_BUCKET: bucket, REGISTRY_S3_ENDPOINT: endpoint, REGISTRY_S3_REGION: region, REGISTRY_S3_PREFIX: prefix, REGISTRY_S3_PATH_STYLE: isPathStyle } = settings;
  if (bucket === undefined) throw new Error('REGISTRY_ARTIFACT_STORE is s3, but REGISTRY_S3_BUCKET is not set');
  // Whoever keeps files on disk need not load the client.
  const { S3Artifacts } = await import('./s3-artifacts.js');
  return S3Artifacts.open(join(root, 'incoming'), { bucket, endpoint, region, prefix, isPathStyle }, nowMs);
}
