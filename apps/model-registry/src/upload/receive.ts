import { createHash, randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MultipartFile, MultipartValue } from '@fastify/multipart';
import { ContractError } from '@throughline/contracts';

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
const HEAD_BYTES = 64;
const MAX_METADATA_BYTES = 1024 * 1024;

/**
 * Receives an upload part by part into synced files of their own; nothing is held in memory but the metadata. After an error nothing is
 * left behind.
 *
 * @throws ContractError `invalid_request` for a part that is missing, twice or unknown, `artifact_too_large`
 */
export async function receiveUpload(parts: AsyncIterable<Part>, folder: string, limits: ReceiveLimits): Promise<ReceivedUpload> {
  const files = new Map<FileName, ReceivedFile>();
  const paths: string[] = [];
  const discard = async (): Promise<void> => void (await Promise.all(paths.map((path) => rm(path, { force: true }))));
  let metadata: string | undefined;
  try {
    for await (const part of parts) {
      const name = part.fieldname;
      if (name === METADATA && metadata === undefined) metadata = await readMetadata(part);
      else if (isFileName(name) && part.type === 'file' && !files.has(name)) {
        const path = join(folder, randomUUID());
        paths.push(path);
        files.set(name, await writeFile(part, path, name, name === 'artifact' ? limits.artifactBytes : limits.referenceBytes));
      } else throw misplaced(part, name);
    }
    const artifact = files.get('artifact');
    if (artifact === undefined) throw incomplete('artifact', 'the .onnx or .rules.json file');
    return { artifact, reference: files.get('reference'), metadata, discard };
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

async function readMetadata(part: Part): Promise<string> {
  if (part.type === 'field') {
    if (part.valueTruncated === true) throw tooMuchMetadata();
    return String(part.value);
  }
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of part.file as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_METADATA_BYTES) throw tooMuchMetadata();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What the multipart parser itself enforces, so that nobody can make it hold more. */
export const parserLimits = ({ artifactBytes, referenceBytes }: ReceiveLimits) => ({
  // One byte above ours: the limit that speaks is ours, with its name in the reason.
  fileSize: Math.max(artifactBytes, referenceBytes) + 1, files: 3, fields: 1, parts: 4, fieldSize: MAX_METADATA_BYTES, headerPairs: 20,
});

function misplaced(part: Part, name: string): ContractError {
  const shown = `“${name.slice(0, 100)}”`;
  if (isFileName(name) && part.type === 'field') return new ContractError('invalid_request', `part ${shown} is a text field, not a file`, { cure: `With curl: -F ${name}=@file` });
  const known = isFileName(name) || name === METADATA;
  return new ContractError('invalid_request', known ? `part ${shown} comes twice` : `part ${shown} is unknown`, { cure: 'Send artifact (file), metadata (JSON) and, if you like, reference (file).' });
}

const tooLarge = (name: FileName, limitBytes: number): ContractError =>
  new ContractError('artifact_too_large', `${name} has more than ${limitBytes} bytes`, name === 'reference' ? { cure: 'Send a random sample.' } : undefined);

const isFileName = (name: string): name is FileName => (FILES as readonly string[]).includes(name);
/** A part that is not there. */
export const incomplete = (name: string, what: string): ContractError => new ContractError('invalid_request', `the part “${name}” is missing: ${what}`, { cure: 'Send artifact (file), metadata (JSON; of a rules document if you like) and, if you like, reference (file) as multipart/form-data.' });
const tooMuchMetadata = (): ContractError => new ContractError('invalid_request', `metadata has more than ${MAX_METADATA_BYTES} bytes`, { cure: 'Keep data and documents elsewhere and name them in “dataset”.' });
