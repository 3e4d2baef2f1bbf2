import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { ContractError, type ServedVersion } from '@throughline/contracts';
import { parser, type Parser } from '@throughline/settings';
import type { ArtifactCache } from './artifact-cache.js';

/** What a deployment says of an artifact. */
export type ArtifactRef = Pick<ServedVersion, 'version' | 'artifactSha256' | 'sizeBytes' | 'artifactSignature'>;

/** Where the bytes of versions come from. */
export interface ArtifactSource {
  /** @throws ContractError `artifact_signature_invalid`, or one of `ArtifactCache.get` */
  get(wanted: ArtifactRef): Promise<Uint8Array>;
}

const PEM_BLOCK = /-----BEGIN PUBLIC KEY-----[\s\S]+?-----END PUBLIC KEY-----/g;

/** Reads a file of Ed25519 public keys; one that holds another kind of key is refused whole: it would trust less than its owner thinks. */
export const publicKeysFile: Parser<readonly KeyObject[]> = parser('a file with one or more Ed25519 public keys in PEM', (path) => {
  try {
    const keys = (readFileSync(path, 'utf8').match(PEM_BLOCK) ?? []).map((pem) => createPublicKey(pem));
    return keys.length > 0 && keys.every(({ asymmetricKeyType }) => asymmetricKeyType === 'ed25519') ? keys : undefined;
  } catch {
    return undefined;
  }
});

// Off the hot thread: a signature is over all of the bytes.
const verified = promisify(verify);

/** Hands out only what one of the trusted keys has signed, from the cache as from the registry; without keys whatever has the promised hash. */
export class TrustedArtifacts implements ArtifactSource {
  constructor(private readonly cache: Pick<ArtifactCache, 'get'>, private readonly trustedKeys: readonly KeyObject[] | undefined) {}

  async get(wanted: ArtifactRef): Promise<Uint8Array> {
    const { version, artifactSha256, sizeBytes, artifactSignature } = wanted;
    if (this.trustedKeys !== undefined && artifactSignature === undefined) {
      throw new ContractError('artifact_signature_invalid', `version ${version} is not signed, and this worker serves only what a trusted key has signed`);
    }
    const bytes = await this.cache.get(artifactSha256, sizeBytes);
    if (this.trustedKeys === undefined || (await isSignedByOne(this.trustedKeys, bytes, artifactSignature!))) return bytes;
    throw new ContractError('artifact_signature_invalid', `none of the ${this.trustedKeys.length} trusted keys has signed version ${version} so`);
  }
}

async function isSignedByOne(keys: readonly KeyObject[], bytes: Uint8Array, signatureBase64: string): Promise<boolean> {
  const signature = Buffer.from(signatureBase64, 'base64');
  for (const key of keys) if (await verified(null, bytes, key, signature)) return true;
  return false;
}
