import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkSignature, readSignature, readTrustedKeys } from './signing.js';

const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const [one, two] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
const BYTES = Buffer.from('a model');

describe('trusted keys', () => {
  it('are all that the file holds, whatever stands between them', () => {
    const keys = readTrustedKeys(`# ada\n${pem(one.publicKey)}\n# bob\n${pem(two.publicKey)}`);
    expect(keys.map(pem)).toEqual([pem(one.publicKey), pem(two.publicKey)]);
  });

  it.each([
    ['nothing', '', /holds no/],
    ['a private key', one.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), /holds no/],
    ['a key of another type', pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey), /type ec, not Ed25519/],
  ])('are refused when the file holds %s', (_, text, reason) => expect(() => readTrustedKeys(text)).toThrow(reason));
});

describe('a signature', () => {
  it('counts by any of the keys, raw, in base64 and without its padding', () => {
    const raw = sign(null, BYTES, two.privateKey);
    for (const sent of [raw, Buffer.from(raw.toString('base64')), Buffer.from(`${raw.toString('base64').replace(/=+$/, '')}\n`)]) {
      expect(() => checkSignature(BYTES, readSignature(sent), [one.publicKey, two.publicKey])).not.toThrow();
    }
  });

  it('counts for nothing when it is missing, of other bytes or by another key', () => {
    const signature = sign(null, BYTES, one.privateKey).toString('base64');
    const refused = expect.objectContaining({ code: 'artifact_signature_invalid' });
    expect(() => checkSignature(BYTES, undefined, [one.publicKey])).toThrow(refused);
    expect(() => checkSignature(Buffer.from('a model!'), signature, [one.publicKey])).toThrow(refused);
    expect(() => checkSignature(BYTES, signature, [two.publicKey])).toThrow(refused);
  });
});
