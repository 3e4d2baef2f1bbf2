import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { ContractError, signatureBase64 } from '@throughline/contracts';

const PEM = /-----BEGIN PUBLIC KEY-----[\s\S]+?-----END PUBLIC KEY-----/g;

/**
 * The public keys of a PEM file, one or more.
 *
 * @throws Error when there is none, or one is not Ed25519
 */
export function readTrustedKeys(pem: string): KeyObject[] {
  const blocks = pem.match(PEM) ?? [];
  if (blocks.length === 0) throw new Error('it holds no “BEGIN PUBLIC KEY”');
  return blocks.map((block) => {
    const key = createPublicKey(block);
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it holds a key of the type ${key.asymmetricKeyType}, not Ed25519`);
    return key;
  });
}

/**
 * A signature as it is sent: 64 raw bytes, as openssl writes them, or base64 of them.
 *
 * @returns base64 with padding
 * @throws ContractError `artifact_signature_invalid`
 */
export function readSignature(sent: Uint8Array): string {
  const signature = signatureBase64(sent);
  if (signature === undefined) throw new ContractError('artifact_signature_invalid', `the part “signature” is no Ed25519 signature: it has ${sent.length} bytes, neither 64 raw ones nor base64 of them`);
  return signature;
}

/**
 * @param signature base64
 * @throws ContractError `artifact_signature_invalid` when it is missing, or by none of the keys
 */
export function checkSignature(artifact: Uint8Array, signature: string | undefined, keys: readonly KeyObject[]): void {
  if (signature === undefined) throw new ContractError('artifact_signature_invalid', 'the part “signature” is missing, and this registry takes only signed artifacts', { cure: 'openssl pkeyutl -sign -inkey key.pem -rawin -in model.onnx -out model.sig; then send it along: -F signature=@model.sig.' });
  const bytes = Buffer.from(signature, 'base64');
  if (!keys.some((key) => verify(null, artifact, key, bytes))) throw new ContractError('artifact_signature_invalid', `the signature fits these bytes by none of the ${keys.length} trusted key(s)`);
}
