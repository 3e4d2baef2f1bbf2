import { ContractError, type ModelSignature } from '@throughline/contracts';
import type { RegistryReader } from '../story/registry-reader.js';

interface VersionOnRecord {
  readonly artifactSha256: string;
  readonly signature: ModelSignature;
  readonly archivedAt?: string;
}

/** What the registry says of versions that nothing serves any more, or never did. */
export class ArchivedVersions {
  constructor(private readonly registry: RegistryReader) {}

  /** As registered, where it is that very artifact's. @throws ContractError `unavailable` */
  async signatureOf(model: string, version: string, artifactSha256: string): Promise<ModelSignature | undefined> {
    const found = await this.find(model, version);
    return found?.artifactSha256 === artifactSha256 ? found.signature : undefined;
  }

  /** Where an artifact may be that the registry does not hand out, in a sentence. */
  async whereIs(model: string, version: string, artifactSha256: string): Promise<string> {
    const found = await this.find(model, version).catch(() => undefined);
    const missing = `the registry has no artifact ${artifactSha256}`;
    if (found === undefined) return `${missing}, and no version ${version} of “${model}”: it may be in the store of artifacts of another registry`;
    if (found.artifactSha256 !== artifactSha256) return `${missing}: its version ${version} of “${model}” is another artifact, ${found.artifactSha256}`;
    const archived = found.archivedAt === undefined ? '' : ` is archived since ${found.archivedAt}, and`;
    return `version ${version} of “${model}”${archived} is missing from the registry’s store of artifacts: put the file back there under its SHA-256 ${artifactSha256}`;
  }

  private async find(model: string, version: string): Promise<VersionOnRecord | undefined> {
    try {
      return await this.registry.get<VersionOnRecord>(`/registry/v1/models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}`);
    } catch (thrown) {
      if (thrown instanceof ContractError && thrown.code === 'not_found') return undefined;
      throw thrown;
    }
  }
}
