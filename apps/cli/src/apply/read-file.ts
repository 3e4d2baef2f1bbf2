import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ContractError, signatureBase64, uploadDigest } from '@throughline/contracts';
import { parseModelFile, type FileProblem } from '../domain/apply/parse.js';
import { FILE_FIELDS, type ModelFile } from '../domain/apply/schema.js';

type VersionFile = NonNullable<ModelFile['version']>;

/** What is uploaded for the version. */
export interface LocalVersion {
  readonly metadata: object;
  readonly artifact: string;
  readonly reference: string | undefined;
  readonly signature: string | undefined;
  readonly uploadDigest: string;
}

export interface ReadModel {
  readonly file: ModelFile;
  readonly version: LocalVersion | undefined;
}

/**
 * Reads a model's file and those it names.
 *
 * @throws ContractError `invalid_request` that names every problem with its line and column, or the file that cannot be read
 */
export async function readModel(path: string): Promise<ReadModel> {
  const parsed = parseModelFile(await readText(path, 'utf8'));
  if (parsed.file === undefined) throw refuse(path, parsed.problems);
  const file = withNumbers(parsed.file);
  return { file, version: file.version === undefined ? undefined : await readVersion(file.version, dirname(resolve(path))) };
}

async function readVersion(version: VersionFile, folder: string): Promise<LocalVersion> {
  const inFolder = (name: string | undefined): string | undefined => (name === undefined ? undefined : resolve(folder, name));
  const [artifact, reference, signature] = [inFolder(version.artifact)!, inFolder(version.reference), inFolder(version.signature)];
  const metadata = await readMetadata(version, inFolder);
  if (!Object.hasOwn(metadata, 'features') && !(await isRulesDocument(artifact))) {
    throw new ContractError('invalid_request', `“version.features” is missing: ${version.artifact} does not say what its columns mean`, { cure: 'List them in the order of the model’s columns, or name the metadata file that does: `npx throughline init` shows both.' });
  }
  const [artifactSha256, referenceSha256] = await Promise.all([sha256(artifact), reference === undefined ? undefined : sha256(reference)]);
  const artifactSignature = signature === undefined ? undefined : signatureBase64(Buffer.from(await readText(signature, 'latin1'), 'latin1'));
  return { metadata, artifact, reference, signature, uploadDigest: uploadDigest({ artifactSha256, metadata, referenceSha256, artifactSignature }) };
}

/** A rules document names its features itself; it is JSON, and no graph is. */
const isRulesDocument = async (path: string): Promise<boolean> => /^\s*\{/.test((await readText(path, 'latin1')).slice(0, 1000));

/** What the file says of the version, over what the metadata file says; a field in both would be two truths. */
async function readMetadata(version: VersionFile, inFolder: (name: string | undefined) => string | undefined): Promise<object> {
  const own = Object.fromEntries(Object.entries(version).filter(([field]) => !(FILE_FIELDS as readonly string[]).includes(field)));
  const card = inFolder(version.modelCard);
  const described = card === undefined ? own : { ...own, modelCard: await readText(card, 'utf8') };
  const path = inFolder(version.metadata);
  if (path === undefined) return described;
  const fromFile = parseJson(await readText(path, 'utf8'), path);
  const twice = Object.keys(described).find((field) => Object.hasOwn(fromFile, field));
  if (twice !== undefined) throw new ContractError('invalid_request', `“version.${twice}” stands in ${path} too`, { cure: 'Keep one of the two.' });
  return { ...fromFile, ...described };
}

/** The registry keeps versions as numbers: so the same choice is the same text. */
function withNumbers(file: ModelFile): ModelFile {
  const { serving } = file;
  if (serving?.fallbacks === undefined) return file;
  const fallbacks = serving.fallbacks.map((fallback) => ('version' in fallback && fallback.version !== undefined ? { ...fallback, version: Number(fallback.version) } : fallback));
  return { ...file, serving: { ...serving, fallbacks } };
}

function parseJson(text: string, path: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    throw new ContractError('invalid_request', `${path} is not JSON: ${(error as Error).message}`, { cure: 'Write it with a JSON encoder.' });
  }
  throw new ContractError('invalid_request', `${path} holds no JSON object`, { cure: 'For example {"metrics": {"auc": 0.71}}.' });
}

async function readText(path: string, encoding: BufferEncoding): Promise<string> {
  try {
    return await readFile(path, encoding);
  } catch (error) {
    throw cannotRead(path, error);
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    throw cannotRead(path, error);
  }
  return hash.digest('hex');
}

const cannotRead = (path: string, error: unknown): ContractError => new ContractError('invalid_request', `cannot read ${path}: ${(error as Error).message}`, { cure: 'Paths in a model’s file start from its folder.' });

function refuse(path: string, problems: readonly FileProblem[]): ContractError {
  const lines = problems.map(({ line, column, reason, cure }) => `${path}:${line}:${column}: ${reason}${cure === undefined ? '' : `\n    ${cure}`}`);
  return new ContractError('invalid_request', `${problems.length === 1 ? 'one problem' : `${problems.length} problems`}\n${lines.join('\n')}`, { cure: '`npx throughline init` writes a file with every field explained.' });
}
