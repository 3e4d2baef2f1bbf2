import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicKeysFile, TrustedArtifacts } from './trusted-artifacts.js';

const [ours, theirs, strangers] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }) as string;
const artifact = new Uint8Array(new SharedArrayBuffer(5)).fill(7);
const signedBy = (key: KeyObject, bytes: Uint8Array = artifact): string => sign(null, Buffer.from(bytes), key).toString('base64');

let folder: string;
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('a file of public keys', () => {
  it('may hold several, and text between them', () => {
    expect(publicKeysFile.read(file('two.pem', `the build server\n${pem(ours.publicKey)}\nthe notary\n${pem(theirs.publicKey)}`))).toHaveLength(2);
  });

  it.each([
    ['is not there', () => join(folder, 'none.pem')],
    ['holds no key', () => file('empty.pem', 'nothing')],
    ['holds half a key', () => file('half.pem', pem(ours.publicKey).replace(/[A-Za-z0-9+/]{20}/, ''))],
    ['holds a key of another kind beside a good one', () => file('rsa.pem', pem(ours.publicKey) + pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey))],
    ['holds a private key', () => file('private.pem', ours.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)],
  ])('is refused when it %s', (_, path) => {
    expect(publicKeysFile.read(path())).toBeUndefined();
  });
});

describe('artifacts', () => {
  const fetched: string[] = [];
  const cache = { get: async (sha256: string) => (fetched.push(sha256), artifact) };
  const wanted = (artifactSignature?: string) => ({ version: '3', artifactSha256: 'a'.repeat(64), sizeBytes: 5, ...(artifactSignature !== undefined && { artifactSignature }) });
  const trusting = new TrustedArtifacts(cache, [ours.publicKey, theirs.publicKey]);

  it.each([['the first', ours], ['the second', theirs]])('that %s trusted key has signed are handed out', async (_, { privateKey }) => {
    expect(await trusting.get(wanted(signedBy(privateKey)))).toBe(artifact);
  });

  it.each([
    ['by a stranger', signedBy(strangers.privateKey)],
    ['for other bytes', signedBy(ours.privateKey, artifact.map(() => 8))],
    ['with something that is no signature', 'bm90IGEgc2lnbmF0dXJl'],
  ])('that were signed %s are refused', async (_, signature) => {
    await expect(trusting.get(wanted(signature))).rejects.toMatchObject({ code: 'artifact_signature_invalid', message: expect.stringContaining('version 3') });
  });

  it('that nobody has signed are refused before they are fetched', async () => {
    fetched.length = 0;
    await expect(trusting.get(wanted())).rejects.toMatchObject({ code: 'artifact_signature_invalid' });
    expect(fetched).toEqual([]);
  });

  it('need no signature where no keys are configured', async () => {
    expect(await new TrustedArtifacts(cache, undefined).get(wanted())).toBe(artifact);
  });
});
