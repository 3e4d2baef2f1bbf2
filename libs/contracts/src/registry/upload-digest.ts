import { createHash } from 'node:crypto';

export interface UploadIdentity {
  readonly artifactSha256: string;
  readonly metadata: object;
  readonly referenceSha256?: string | undefined;
  /** Ed25519 of the artifact's bytes, base64 with padding: another signature is another version. */
  readonly artifactSignature?: string | undefined;
}

/**
 * What makes two uploads of a version the same one: the bytes of both files, the signature and the metadata's meaning, whatever the order of its keys. Whoever has
 * the files can tell without an upload whether the registry has the version.
 *
 * @returns SHA-256, in hexadecimal digits, of the canonical JSON of [artifact's SHA-256, metadata, reference's SHA-256 or null, and the signature where there is one]
 */
export function uploadDigest({ artifactSha256, metadata, referenceSha256, artifactSignature }: UploadIdentity): string {
  return createHash('sha256').update(canonicalJson([artifactSha256, metadata, referenceSha256 ?? null, ...(artifactSignature === undefined ? [] : [artifactSignature])])).digest('hex');
}

const SIGNATURE_BYTES = 64;

/**
 * An Ed25519 signature in the one form in which it is kept and compared: base64 with padding.
 *
 * @param sent 64 raw bytes, as openssl writes them, or base64 of them
 * @returns `undefined` for what is neither
 */
export function signatureBase64(sent: Uint8Array): string | undefined {
  if (sent.length === SIGNATURE_BYTES) return Buffer.from(sent).toString('base64');
  const text = Buffer.from(sent).toString('latin1').trim();
  return /^[A-Za-z0-9+/]{86}(==)?$/.test(text) ? Buffer.from(text, 'base64').toString('base64') : undefined;
}

/** JSON with sorted keys, without those that are undefined: equal texts mean the same. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, one]) => one !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonicalJson(one)}`).join(',')}}`;
}
