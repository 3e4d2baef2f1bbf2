import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ContractError, uploadDigest as digestOfUpload } from '@throughline/contracts';
import type { InspectionLimits } from '@throughline/onnx';
import type { UploadMetadata } from '../domain/metadata.js';
import { checkModelName } from '../domain/names.js';
import type { ArtifactFiles } from '../store/artifacts.js';
import type { DeploymentStore } from '../store/deployments.js';
import type { VersionStore } from '../store/versions.js';
import { limitConcurrency } from '../upload/limit-concurrency.js';
import type { ReceivedFile } from '../upload/receive.js';
import type { RegisterVersion } from '../upload/register-version.js';
import { describeUpload, TAGS, type Story } from './domain/describe.js';
import { latestOf } from './domain/metrics.js';
import { MLMODEL, ONNX_FILE, readMlModel, type MlModel } from './domain/mlmodel.js';
import { explainingSignatures, inspectAsOneFile, signatureOf } from './one-file.js';
import { loggedModelFolder, parseSource, pathSteps, runFolder, versionFolder } from './domain/paths.js';
import type { ArtifactFolder } from './store/artifact-folder.js';
import type { Texts } from './store/experiments.js';
import type { LoggedModel, LoggedModelStore } from './store/logged-models.js';
import type { RegisteredStore, RegisteredVersion } from './store/registered.js';
import type { Run, RunStore } from './store/runs.js';

export interface RegisterUse {
  readonly artifacts: ArtifactFiles;
  readonly folder: ArtifactFolder;
  readonly registration: RegisterVersion;
  readonly versions: VersionStore;
  readonly registered: RegisteredStore;
  readonly deployments: DeploymentStore;
  readonly runs: RunStore;
  readonly loggedModels: LoggedModelStore;
  readonly inspectionLimits: Partial<InspectionLimits>;
  readonly nowMs: () => number;
}

export interface CreateVersion {
  readonly model: string;
  readonly source: string;
  readonly runId?: string | undefined;
  readonly modelId?: string | undefined;
  readonly runLink?: string | undefined;
  readonly description?: string | undefined;
  readonly tags: Texts;
  /** Who asks; as far as it is known. */
  readonly author: string | undefined;
}

/** Where a source's files lie, and what MLflow knows about them. */
interface Found {
  readonly folder: string;
  readonly run?: Run | undefined;
  readonly loggedModel?: LoggedModel | undefined;
}

const MAX_MLMODEL_BYTES = 512 * 1024;
const HEAD_BYTES = 64;
/** Each inspection may take gigabytes of memory. */
const MAX_INSPECTIONS = 1;
const MAX_WAITING = 32;
const ENVIRONMENT_FILES = ['requirements.txt', 'conda.yaml', 'python_env.yaml'];

/** From the source that a client names to a version of the registry, through the same door as uploads over REST. */
export class RegisterFromMlflow {
  private readonly inTurn = limitConcurrency(MAX_INSPECTIONS, MAX_WAITING);

  constructor(private readonly use: RegisterUse) {}

  /** @throws ContractError `not_found` for what the source names, and whatever an upload is refused for */
  async create(request: CreateVersion): Promise<RegisteredVersion> {
    const { model } = request;
    checkModelName(model);
    const [registered] = await this.use.registered.models(model);
    const source = parseSource(request.source);
    if (source.kind === 'version' || source.kind === 'alias') {
      const version = source.kind === 'version' ? source.version : await this.versionOfAlias(source.model, source.alias);
      return this.copy(request, await this.use.registered.version(source.model, version));
    }
    const found = await this.find(request, source);
    const mlModel = await this.readMlModel(found.folder);
    const graphFile = pathSteps(mlModel.file).join('/');
    const logged = await this.locate(`${found.folder}/${graphFile}`);
    const received = [await this.write(createReadStream(logged), ONNX_FILE)];
    try {
      const { graph, merged } = await this.inTurn(async () => inspectAsOneFile(await readFile(received[0]!.path), dirname(logged), this.use.inspectionLimits));
      if (merged !== undefined) received.push(await this.write(Readable.from([merged.bytes]), ONNX_FILE));
      const story = await this.tell(request, { ...found, mlModel, graph, modelTags: registered?.tags ?? {} });
      const metadata = JSON.stringify(this.unique(describeUpload(story), { ...request, runId: request.runId ?? found.run?.runId, modelId: request.modelId ?? found.loggedModel?.modelId }));
      const { row } = await explainingSignatures(merged, async () => {
        const signature = signatureOf(request, found.loggedModel, found.run);
        return this.use.registration.register(model, { artifact: received.at(-1)!, metadata, signature, discard: async () => undefined });
      });
      const within = [graphFile, ...(merged?.files ?? []).map((file) => join(dirname(graphFile), file))];
      await this.use.folder.copyFolder(found.folder, versionFolder(model, row.version), new Set(within));
      return await this.note(request, row.version, { runId: found.run?.runId, modelId: found.loggedModel?.modelId });
    } finally {
      await Promise.all(received.map(({ path }) => rm(path, { force: true })));
    }
  }

  /** The same bytes with the same story, baseline and all, under another name, or under the same once more. */
  private async copy(request: CreateVersion, { model, version, runId, modelId }: RegisteredVersion): Promise<RegisteredVersion> {
    const { version: _, createdAt: __, hasBaseline: ___, ...original } = await this.use.versions.get(model, version);
    const { parentVersion: ____, ...described } = original.metadata;
    const card = request.description === undefined || request.description === '' ? {} : { modelCard: request.description };
    const metadata = this.unique({ ...described, ...card }, { ...request, runId: request.runId ?? runId, modelId: request.modelId ?? modelId });
    const uploadDigest = digestOfUpload({ artifactSha256: original.artifactSha256, metadata, artifactSignature: original.artifactSignature ?? undefined });
    const baselineProfile = (await this.use.versions.baselineProfile(model, version)) ?? null;
    const author = request.author ?? 'anonymous';
    const { row } = await this.use.versions.add({ ...original, model: request.model, metadata, uploadDigest, baselineProfile, author }, new Date(this.use.nowMs()));
    await this.use.folder.copyFolder(versionFolder(model, version), versionFolder(request.model, row.version), new Set());
    return this.note(request, row.version, { runId, modelId });
  }

  private async note(request: CreateVersion, version: number, found: { runId: string | undefined; modelId: string | undefined }): Promise<RegisteredVersion> {
    const { model, source, runLink, description, tags, author } = request;
    const nowMs = this.use.nowMs();
    await this.use.registered.noteVersion({ model, version }, { source, runId: request.runId ?? found.runId, modelId: request.modelId ?? found.modelId, runLink, description, tags, userId: author ?? '' }, nowMs);
    await this.use.registered.noteModel(model, { isDeleted: false }, nowMs);
    return this.use.registered.version(model, String(version));
  }

  /** To MLflow's clients each call makes a version, also of the same model twice. */
  private unique(metadata: UploadMetadata, { source, runId, modelId, tags, author }: CreateVersion): UploadMetadata {
    const origin = { 'mlflow.source': source, ...(runId === undefined ? {} : { 'mlflow.runId': runId }), ...(modelId === undefined ? {} : { 'mlflow.modelId': modelId }), 'mlflow.registration': randomUUID() };
    return { ...metadata, ...(author === undefined ? {} : { owner: author }), tags: { ...metadata.tags, ...tags, ...origin } };
  }

  private async find({ runId, modelId }: CreateVersion, source: ReturnType<typeof parseSource>): Promise<Found> {
    if (source.kind === 'logged_model') return this.ofLoggedModel(source.modelId);
    if (source.kind === 'run') return this.ofRun(await this.use.runs.get(source.runId), source.path);
    if (source.kind !== 'folder') throw new ContractError('internal', `no files of a ${source.kind}`);
    // Such as the folder of a logged model, by its path: its id tells whose it is.
    const id = modelId ?? /^\d+\/models\/(m-[0-9a-f]+)\/artifacts$/.exec(source.path)?.[1];
    if (id !== undefined) return { ...(await this.ofLoggedModel(id)), folder: source.path };
    const run = runId ?? /^\d+\/([0-9a-f]{32})\/artifacts(?:\/|$)/.exec(source.path)?.[1];
    return { folder: source.path, run: run === undefined ? undefined : await this.use.runs.find(run) };
  }

  private async ofLoggedModel(modelId: string): Promise<Found> {
    const loggedModel = await this.use.loggedModels.get(modelId);
    const run = loggedModel.runId === undefined ? undefined : await this.use.runs.find(loggedModel.runId);
    return { folder: loggedModelFolder(loggedModel.experimentId, modelId), run, loggedModel };
  }

  /** Since MLflow 3 a run's models lie beside it, under the name that was a path before. */
  private async ofRun(run: Run, path: string): Promise<Found> {
    const folder = `${runFolder(run.experimentId, run.runId)}/${path}`;
    if ((await this.use.folder.locate(`${folder}/${MLMODEL}`)) !== undefined) return { folder, run };
    const loggedModel = (await this.use.loggedModels.ofRun(run.runId)).find(({ name }) => name === path);
    return loggedModel === undefined ? { folder, run } : { folder: loggedModelFolder(loggedModel.experimentId, loggedModel.modelId), run, loggedModel };
  }

  private async readMlModel(folder: string): Promise<MlModel> {
    const file = await this.use.folder.locate(`${folder}/${MLMODEL}`);
    if (file !== undefined && file.sizeBytes > MAX_MLMODEL_BYTES) throw new ContractError('invalid_request', `the file ${MLMODEL} has ${file.sizeBytes} bytes, ${MAX_MLMODEL_BYTES} are allowed`, { cure: `Log the model without its signature, and name the features in the tag ${TAGS.features}.` });
    if (file === undefined) {
      throw new ContractError('invalid_request', `there is no file ${MLMODEL} in “${folder}”`, { cure: 'Log the model with mlflow.onnx.log_model, and register what that gives back.' });
    }
    return readMlModel(await readFile(file.path, 'utf8'));
  }

  private async tell({ runId, tags, description }: CreateVersion, { folder, run, loggedModel, mlModel, graph, modelTags }: Found & { mlModel: MlModel; graph: Story['graph']; modelTags: Texts }): Promise<Story> {
    const author = run ?? (runId === undefined ? undefined : await this.use.runs.find(runId));
    const ofModel = loggedModel === undefined ? [] : await this.use.runs.metricsOfModels([loggedModel.modelId]);
    return {
      graph, mlModel, description,
      // The client tags a logged model by itself; of the run people say more.
      tags: { ...loggedModel?.tags, ...author?.tags, ...modelTags, ...tags },
      params: { ...author?.params, ...loggedModel?.params },
      metrics: [...latestOf([...ofModel, ...(author?.metrics ?? [])]).values()],
      datasets: author?.datasets.map(({ dataset }) => dataset) ?? [],
      environmentSha256: await this.hashEnvironment(folder),
    };
  }

  private async hashEnvironment(folder: string): Promise<string | undefined> {
    const files = await Promise.all(ENVIRONMENT_FILES.map((name) => this.use.folder.locate(`${folder}/${name}`)));
    const present = files.filter((file) => file !== undefined && file.sizeBytes <= MAX_MLMODEL_BYTES) as { path: string }[];
    if (present.length === 0) return undefined;
    const hash = createHash('sha256');
    for (const { path } of present) hash.update(await readFile(path)).update('\0');
    return hash.digest('hex');
  }

  private async versionOfAlias(model: string, alias: string): Promise<string> {
    const row = await this.use.deployments.alias(model, alias);
    if (row !== undefined) return String(row.version);
    throw new ContractError('invalid_request', `Registered model alias ${alias} not found.`, { cure: 'Set it first.' });
  }

  private async locate(path: string): Promise<string> {
    const file = await this.use.folder.locate(path);
    if (file === undefined) throw new ContractError('invalid_request', `${MLMODEL} names the file “${path}”, which was not logged`, { cure: 'Log the model again; an upload was broken off.' });
    return file.path;
  }

  /** A copy of its own where uploads lie, which registering moves away. */
  private async write(content: Readable, name: string): Promise<ReceivedFile> {
    const path = join(this.use.artifacts.incoming, randomUUID());
    const hash = createHash('sha256');
    let sizeBytes = 0;
    let head = '';
    try {
      await pipeline(content, async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
        for await (const chunk of chunks) {
          hash.update(chunk);
          sizeBytes += chunk.length;
          if (head.length < HEAD_BYTES) head += chunk.toString('latin1', 0, HEAD_BYTES - head.length);
          yield chunk;
        }
      }, createWriteStream(path, { flags: 'wx' }));
      await sync(path);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    return { path, name, head, sha256: hash.digest('hex'), sizeBytes };
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
