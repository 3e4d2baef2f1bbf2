import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ContractError, toContractError, type ModelSignature } from '@throughline/contracts';
import type { InspectionLimits } from '@throughline/onnx';
import { whyUnfit } from '@throughline/http';
import { counter, histogram, METRICS, type Logger } from '@throughline/telemetry';
import { detectFormat, type ArtifactFormat } from '../domain/format.js';
import { ofGraph, ofRules, parseMetadata, type UploadMetadata } from '../domain/metadata.js';
import { checkSignature } from '../domain/signing.js';
import { uploadDigest } from '../domain/upload-digest.js';
import type { ArtifactFiles } from '../store/artifacts.js';
import type { VersionRow } from '../store/entities.js';
import type { VersionStore } from '../store/versions.js';
import { inspectGraph, inspectRules, type Inspected } from './inspect.js';
import { limitConcurrency } from './limit-concurrency.js';
import { incomplete, type ReceivedFile, type ReceivedUpload } from './receive.js';

/** Freezes the baseline profile of a version from a reference of its features and scores. */
export type FreezeBaseline = (path: string, signature: ModelSignature) => Promise<object>;

export interface RegisterDependencies {
  readonly versions: VersionStore;
  readonly artifacts: ArtifactFiles;
  readonly freezeBaseline: FreezeBaseline;
  /** Whose signatures let an artifact in; none: artifacts need no signature. */
  readonly trustedKeys: readonly KeyObject[];
  readonly now: () => Date;
  readonly logger: Logger;
  readonly inspectionLimits: Partial<InspectionLimits>;
}

export interface Registered {
  readonly row: VersionRow;
  readonly created: boolean;
}

/** Each inspection may take gigabytes of memory. */
const MAX_INSPECTIONS = 2;
const MAX_WAITING = 32;

const uploads = counter(METRICS.registryUploads);
const inspectSeconds = histogram(METRICS.registryInspectSeconds);

/**
 * From received files to a version: inspect the untrusted graph in a process of its own and hold it against the metadata, or read the rules; freeze the
 * baseline, keep the artifact, and only then write the version down. Whatever fails, nothing of it is visible.
 */
export class RegisterVersion {
  private readonly inTurn = limitConcurrency(MAX_INSPECTIONS, MAX_WAITING);

  constructor(private readonly use: RegisterDependencies) {}

  async register(model: string, upload: ReceivedUpload, author?: string): Promise<Registered> {
    try {
      const registered = await this.attempt(model, upload, author);
      uploads.add(1, { result: registered.created ? 'created' : 'unchanged' });
      return registered;
    } catch (error) {
      this.count(toContractError(error), model);
      throw error;
    }
  }

  private attempt(model: string, { artifact, reference, metadata: text, signature: artifactSignature }: ReceivedUpload, author: string | undefined): Promise<Registered> {
    const given = text === undefined ? {} : parseMetadata(text);
    refuseUnfit(given, 'metadata');
    const format = detectFormat({ declared: given.format, fileName: artifact.name, head: artifact.head });
    if (text === undefined && format === 'onnx') throw incomplete('metadata', 'JSON that describes the features');
    const metadata = format === 'rules' ? ofRules(given) : ofGraph(given);
    const digest = uploadDigest({ artifactSha256: artifact.sha256, metadata, referenceSha256: reference?.sha256, artifactSignature });
    return this.inTurn(async () => {
      if (this.use.trustedKeys.length > 0) checkSignature(await readFile(artifact.path), artifactSignature, this.use.trustedKeys);
      const known = await this.use.versions.findUpload(model, digest);
      if (known !== undefined) {
        // Its bytes may be lost or damaged since, and to upload them again is the cure we name for that.
        await this.use.artifacts.keep(artifact.path, artifact.sha256);
        return { row: known, created: false };
      }
      await this.use.versions.requireParent(model, metadata);
      const { signature, golden } = await this.inspect(artifact, format, metadata);
      refuseUnfit({ signature, golden }, 'names or golden answers of the artifact');
      const baselineProfile = reference === undefined ? null : await this.use.freezeBaseline(reference.path, signature);
      await this.use.artifacts.keep(artifact.path, artifact.sha256);
      const version = { uploadDigest: digest, format, artifactSha256: artifact.sha256, sizeBytes: artifact.sizeBytes, signature, metadata, baselineProfile, golden: golden ?? null, artifactSignature: artifactSignature ?? null };
      return this.use.versions.add({ ...version, model, author: author ?? metadata.owner ?? 'anonymous' }, this.use.now());
    });
  }

  private async inspect(artifact: ReceivedFile, format: ArtifactFormat, metadata: UploadMetadata): Promise<Inspected> {
    const startedAt = performance.now();
    try {
      return format === 'rules' ? await inspectRules(artifact, metadata) : await inspectGraph(artifact, metadata, this.use.inspectionLimits);
    } finally {
      inspectSeconds.record((performance.now() - startedAt) / 1000);
    }
  }

  private count(error: ContractError, model: string): void {
    uploads.add(1, { result: error.code });
    this.use.logger.info({ model, code: error.code }, `an upload was refused: ${error.message}`);
  }
}

/** What the database cannot hold would fail only after everything else, as a defect. @throws ContractError `invalid_request` */
function refuseUnfit(value: unknown, what: string): void {
  const unfit = whyUnfit(value);
  if (unfit !== undefined) throw new ContractError('invalid_request', `${what}: ${unfit.message}`, { cure: unfit.cure });
}
