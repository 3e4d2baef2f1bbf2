import { Readable } from 'node:stream';
import { ContractError } from '@throughline/contracts';
import type { VersionStore } from '../../store/versions.js';
import type { ArtifactFiles } from '../../store/artifacts.js';
import { MLMODEL, ONNX_FILE, readMlModel, writeMlModel } from '../domain/mlmodel.js';
import { pathSteps, VERSIONS_FOLDER, versionFolder } from '../domain/paths.js';
import type { ArtifactFile, ArtifactFolder } from '../store/artifact-folder.js';
import type { RegisteredStore, RegisteredVersion } from '../store/registered.js';

export interface Content {
  readonly stream: Readable;
  readonly sizeBytes: number;
}

/**
 * Files as MLflow's clients list, fetch and store them: those of runs and logged models as they were sent; those of a version, under
 * `versions/<model>/<version>`, with the graph from the registry's own store, so that versions of REST load like those of MLflow.
 */
export class MlflowArtifacts {
  constructor(private readonly use: { readonly folder: ArtifactFolder; readonly files: ArtifactFiles; readonly registered: RegisteredStore; readonly versions: VersionStore; readonly maxBytes: number }) {}

  /** @throws ContractError `invalid_request`, `unknown_version` */
  async list(path: string): Promise<ArtifactFile[]> {
    const steps = pathSteps(path);
    const version = await this.versionAt(steps);
    const stored = await this.use.folder.list(path);
    if (version === undefined || steps.length > 3) return stored;
    const graph: ArtifactFile = { path: await this.graphName(version), isFolder: false, sizeBytes: version.sizeBytes };
    const made = stored.some((file) => file.path === MLMODEL) || version.format !== 'onnx' ? [] : [{ path: MLMODEL, isFolder: false, sizeBytes: Buffer.byteLength(describe(version)) }];
    return [...stored, ...made, graph].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** @throws ContractError `not_found`, `invalid_request`, `unknown_version` */
  async read(path: string): Promise<Content> {
    const steps = pathSteps(path);
    const version = await this.versionAt(steps);
    const found = (await this.use.folder.read(path)) ?? (version === undefined ? undefined : await this.madeOf(version, steps.slice(3).join('/')));
    if (found !== undefined) return found;
    throw new ContractError('not_found', `there is no artifact “${path.slice(0, 200)}”`, { cure: 'List the folder.' });
  }

  /** @throws ContractError `invalid_request`, `artifact_too_large` */
  async write(path: string, content: Readable): Promise<void> {
    refuseVersions(path);
    refuseElsewhere(path);
    await this.use.folder.put(path, content, this.use.maxBytes);
  }

  /** @throws ContractError `invalid_request`, `not_found` */
  async remove(path: string): Promise<void> {
    refuseVersions(path);
    if (!(await this.use.folder.remove(path))) throw new ContractError('not_found', `there is no artifact “${path.slice(0, 200)}”`, { cure: 'List the folder.' });
  }

  /** What is not stored beside the graph but follows from the version. */
  private async madeOf(version: RegisteredVersion, name: string): Promise<Content | undefined> {
    if (name === (await this.graphName(version))) return this.use.files.read(version.artifactSha256);
    if (name !== MLMODEL || version.format !== 'onnx') return undefined;
    const text = Buffer.from(describe(version));
    return { stream: Readable.from([text]), sizeBytes: text.length };
  }

  private async versionAt([first, model, version]: readonly string[]): Promise<RegisteredVersion | undefined> {
    if (first !== VERSIONS_FOLDER || model === undefined || version === undefined) return undefined;
    return this.use.registered.version(model, version);
  }

  /** As its MLmodel calls it. */
  private async graphName({ model, version, format }: RegisteredVersion): Promise<string> {
    if (format === 'rules') return 'model.rules.json';
    const stored = await this.use.folder.read(`${versionFolder(model, version)}/${MLMODEL}`);
    if (stored === undefined) return ONNX_FILE;
    const chunks: Buffer[] = [];
    for await (const chunk of stored.stream) chunks.push(chunk as Buffer);
    return readMlModel(Buffer.concat(chunks).toString('utf8')).file;
  }
}

const describe = ({ signature, createdAtMs }: RegisteredVersion): string => writeMlModel(signature, new Date(createdAtMs));

/** Versions never change. */
function refuseVersions(path: string): void {
  if (pathSteps(path)[0] !== VERSIONS_FOLDER) return;
  throw new ContractError('invalid_request', 'the files of a registered version never change', { cure: 'Log a new model and register it.' });
}

/** A file where a folder of others will be would lock them out. */
function refuseElsewhere(path: string): void {
  if (/^\d+\/(?:models\/)?[\w-]+\/artifacts\/./.test(pathSteps(path).join('/'))) return;
  throw new ContractError('invalid_request', `“${path.slice(0, 100)}” is no place for artifacts`, { cure: 'Write below the artifact_uri of a run or of a logged model.' });
}

export const toFiles = (files: readonly ArtifactFile[]): { path: string; is_dir: boolean; file_size?: number }[] =>
  files.map(({ path, isFolder, sizeBytes }) => ({ path, is_dir: isFolder, ...(sizeBytes === undefined ? {} : { file_size: sizeBytes }) }));
