import { createHash, randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MultipartFile, MultipartValue } from '@fastify/multipart';
import { ContractError } from '@throughline/contracts';
import { readSignature } from '../domain/signing.js';

export interface ReceivedFile {
  readonly path: string;
  /** As the sender calls it. */
  readonly name: string;
  /** Its first bytes, as text. */
  readonly head: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface ReceivedUpload {
  readonly artifact: ReceivedFile;
  readonly reference?: ReceivedFile | undefined;
  readonly metadata?: string | undefined;
  /** Ed25519 of the artifact's bytes, base64 with padding. */
  readonly signature?: string | undefined;
  /** Removes what is still where it was received. */
  discard(): Promise<void>;
}

export interface ReceiveLimits {
  readonly artifactBytes: number;
  readonly referenceBytes: number;
}

type Part = MultipartFile | MultipartValue;

const FILES = ['artifact', 'reference'] as const;
type FileName = (typeof FILES)[number];
/** As a text field or as a file, as curl's `-F metadata=@file` sends it. */
const METADATA = 'metadata';
/** As base64 text, or as the file that openssl writes. */
const SIGNATURE = 'signature';
const MAX_SIGNATURE_BYTES = 1024;
const HEAD_BYTES = 64;
const MAX_METADATA_BYTES = 1024 * 1024;
/** Boundaries, headers and the signature. */
const MAX_FRAMING_BYTES = 64 * 1024;

/**
 * Receives an upload part by part into synced files of their own; nothing is held in memory but the metadata. After an error nothing is
 * left behind.
 *
 * @throws ContractError `invalid_request` for a part that is missing, twice or unknown, `artifact_too_large`, `artifact_signature_invalid`
 */
export async function receiveUpload(parts: AsyncIterable<Part>, folder: string, limits: ReceiveLimits): Promise<ReceivedUpload> {
  const files = new Map<FileName, ReceivedFile>();
  const paths: string[] = [];
  const discard = async (): Promise<void> => void (await Promise.all(paths.map((path) => rm(path, { force: true }))));
  let metadata: string | undefined;
  let signature: string | undefined;
  try {
    for await (const part of parts) {
      const name = part.fieldname;
      if (name === METADATA && metadata === undefined) metadata = (await readSmall(part, MAX_METADATA_BYTES, tooMuchMetadata)).toString('utf8');
      else if (name === SIGNATURE && signature === undefined) signature = readSignature(await readSmall(part, MAX_SIGNATURE_BYTES, notASignature));
      else if (isFileName(name) && part.type === 'file' && !files.has(name)) {
        const path = join(folder, randomUUID());
        paths.push(path);
        files.set(name, await writeFile(part, path, name, name === 'artifact' ? limits.artifactBytes : limits.referenceBytes));
      } else throw misplaced(part, name);
    }
    const artifact = files.get('artifact');
    if (artifact === undefined) throw incomplete('artifact', 'the .onnx or .rules.json file');
    return { artifact, reference: files.get('reference'), metadata, signature, discard };
  } catch (error) {
    await discard();
    throw error;
  }
}

async function writeFile({ file, filename }: MultipartFile, path: string, name: FileName, limitBytes: number): Promise<ReceivedFile> {
  const hash = createHash('sha256');
  const handle = await open(path, 'wx');
  let sizeBytes = 0;
  let head = '';
  try {
    for await (const chunk of file as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (head.length < HEAD_BYTES) head += chunk.toString('latin1', 0, HEAD_BYTES - head.length);
      if (sizeBytes > limitBytes) throw tooLarge(name, limitBytes);
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { path, name: filename, head, sha256: hash.digest('hex'), sizeBytes };
}

async function readSmall(part: Part, limitBytes: number, tooMuch: () => ContractError): Promise<Buffer> {
  if (part.type === 'field') {
    const bytes = Buffer.from(String(part.value));
    if (part.valueTruncated === true || bytes.length > limitBytes) throw tooMuch();
    return bytes;
  }
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of part.file as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) throw tooMuch();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Refuses an upload by the length it announces, before a byte of it is kept.
 *
 * @throws ContractError `artifact_too_large`
 */
export function checkAnnounced(contentLength: string | undefined, { artifactBytes, referenceBytes }: ReceiveLimits): void {
  const limitBytes = artifactBytes + referenceBytes + MAX_METADATA_BYTES + MAX_FRAMING_BYTES;
  if (Number(contentLength) > limitBytes) throw new ContractError('artifact_too_large', `the upload has ${contentLength} bytes; artifact (at most ${artifactBytes}), reference (${referenceBytes}) and metadata (${MAX_METADATA_BYTES}) may have ${limitBytes} together`);
}

/** What the multipart parser itself enforces, so that nobody can make it hold more. */
export const parserLimits = ({ artifactBytes, referenceBytes }: ReceiveLimits) => ({
  // One byte above ours: the limit that speaks is ours, with its name in the reason.
  fileSize: Math.max(artifactBytes, referenceBytes) + 1, files: 4, fields: 2, parts: 5, fieldSize: MAX_METADATA_BYTES, headerPairs: 20,
});

function misplaced(part: Part, name: string): ContractError {
  const shown = `“${name.slice(0, 100)}”`;
  if (isFileName(name) && part.type === 'field') return new ContractError('invalid_request', `part ${shown} is a text field, not a file`, { cure: `With curl: -F ${name}=@file` });
  const known = isFileName(name) || name === METADATA || name === SIGNATURE;
  return new ContractError('invalid_request', known ? `part ${shown} comes twice` : `part ${shown} is unknown`, { cure: 'Send artifact (file), metadata (JSON) and, if you like, reference (file) and signature.' });
}

const tooLarge = (name: FileName, limitBytes: number): ContractError =>
  new ContractError('artifact_too_large', `${name} has more than ${limitBytes} bytes`, name === 'reference' ? { cure: 'Send a random sample.' } : undefined);

const isFileName = (name: string): name is FileName => (FILES as readonly string[]).includes(name);
/** A part that is not there. */
export const incomplete = (name: string, what: string): ContractError => new ContractError('invalid_request', `the part “${name}” is missing: ${what}`, { cure: 'Send artifact (file), metadata (JSON; of a rules document if you like) and, if you like, reference (file) as multipart/form-data.' });
const notASignature = (): ContractError => new ContractError('artifact_signature_invalid', 'the part “signature” is no Ed25519 signature: those have 64 bytes');
const tooMuchMetadata = (): ContractError => new ContractError('invalid_request', `metadata has more than ${MAX_METADATA_BYTES} bytes`, { cure: 'Keep data and documents elsewhere and name them in “dataset”.' });
