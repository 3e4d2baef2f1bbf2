import '@fastify/multipart';
import { Controller, Get, HttpStatus, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { ErrorCode } from '@throughline/contracts';
import { ANONYMOUS, apiSchema, Caller, HttpError, Problems, type Principal } from '@throughline/http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { UploadMetadata } from '../domain/metadata.js';
import { checkModelName, unknownModel, versionNumber } from '../domain/names.js';
import { ArtifactFiles } from '../store/artifacts.js';
import type { VersionRow } from '../store/entities.js';
import { VersionRecords, type VersionRecord } from '../store/version-records.js';
import { VersionStore } from '../store/versions.js';
import { readOn } from '../upload/read-on.js';
import { checkAnnounced, receiveUpload, type ReceivedUpload, type ReceiveLimits } from '../upload/receive.js';
import { RegisterVersion } from '../upload/register-version.js';
import { ListVersionsQuery } from './requests.js';
import { ModelResource, toModel, toVersion, VersionResource } from './resources.js';

export const RECEIVE_LIMITS = Symbol('model-registry.receive-limits');

const FILE = { type: 'string', format: 'binary' };
const UPLOAD_SCHEMA = {
  type: 'object',
  required: ['artifact'],
  properties: {
    artifact: { ...FILE, description: 'an .onnx file, or a .rules.json document, which needs no metadata' },
    metadata: UploadMetadata,
    signature: { type: 'string', description: 'Ed25519 signature of the artifact’s bytes, base64 (or as the file that openssl writes); mandatory where the registry has trusted keys' },
    reference: { ...FILE, description: 'Parquet, JSON Lines or CSV: one column a feature, and `score`; the baseline profile is frozen from it' },
  },
};

const UPLOAD_PROBLEMS: readonly ErrorCode[] = [
  'artifact_not_onnx', 'artifact_external_data', 'artifact_non_tensor_output', 'artifact_load_failed', 'artifact_timeout', 'artifact_signature_invalid', 'artifact_golden_mismatch',
  'artifact_too_large', 'rules_invalid', 'conflict',
];

@ApiTags('models')
@Controller('registry/v1/models')
export class ModelsController {
  constructor(
    @Inject(VersionStore) private readonly versions: VersionStore,
    @Inject(ArtifactFiles) private readonly artifacts: ArtifactFiles,
    @Inject(RegisterVersion) private readonly registration: RegisterVersion,
    @Inject(VersionRecords) private readonly records: VersionRecords,
    @Inject(RECEIVE_LIMITS) private readonly limits: ReceiveLimits,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Models, with their aliases' })
  @ApiOkResponse({ type: [ModelResource] })
  async listModels(): Promise<ModelResource[]> {
    return (await this.versions.listModels()).map(toModel);
  }

  @Get(':name')
  @ApiOperation({ summary: 'A model, with its aliases' })
  @ApiOkResponse({ type: ModelResource })
  async readModel(@Param('name') name: string): Promise<ModelResource> {
    const [model] = await this.versions.listModels(name);
    if (model === undefined) throw unknownModel(name);
    return toModel(model);
  }

  @Post(':name/versions')
  @ApiOperation({ summary: 'Upload a version', description: 'The same artifact with the same metadata and reference again is the same version, answered with 200.' })
  @ApiConsumes('multipart/form-data')
  @ApiBody({ schema: apiSchema(UPLOAD_SCHEMA) })
  @ApiCreatedResponse({ type: VersionResource })
  @ApiOkResponse({ type: VersionResource, description: 'it existed already' })
  @Problems(...UPLOAD_PROBLEMS)
  async upload(@Param('name') name: string, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply, @Caller() caller: Principal): Promise<VersionResource> {
    const received = await this.receive(name, request);
    try {
      const { row, created } = await this.registration.register(name, received, caller === ANONYMOUS ? undefined : caller.name);
      reply.code(created ? HttpStatus.CREATED : HttpStatus.OK);
      return toVersion(row, created ? undefined : await this.recordOf(row));
    } finally {
      await received.discard();
    }
  }

  private async receive(name: string, request: FastifyRequest): Promise<ReceivedUpload> {
    try {
      checkModelName(name);
      if (!request.isMultipart() || !/boundary=[^;\s]/i.test(request.headers['content-type'] ?? '')) throw new HttpError(415, 'an upload is multipart/form-data', { cure: 'With curl: -F artifact=@model.onnx -F metadata=@metadata.json' });
      checkAnnounced(request.headers['content-length'], this.limits);
      return await receiveUpload(request.parts(), this.artifacts.incoming, this.limits);
    } catch (error) {
      if (request.raw.destroyed && !request.raw.complete) throw new HttpError(400, 'the upload was broken off by its sender');
      readOn(request.raw);
      throw error;
    }
  }

  @Get(':name/versions')
  @ApiOperation({ summary: 'Versions, newest first', description: 'Without the archived ones, unless they are asked for.' })
  @ApiOkResponse({ type: [VersionResource] })
  async listVersions(@Param('name') name: string, @Query() { archived }: ListVersionsQuery): Promise<VersionResource[]> {
    const [rows, records] = await Promise.all([this.versions.list(name), this.records.of(name)]);
    return rows.map((row) => toVersion(row, records.get(row.version))).filter(({ archivedAt }) => archived === 'true' || archivedAt === undefined);
  }

  @Get(':name/versions/:version')
  @ApiOperation({ summary: 'A version, with its baseline profile' })
  @ApiOkResponse({ type: VersionResource })
  async readVersion(@Param('name') name: string, @Param('version') version: string): Promise<VersionResource> {
    const row = await this.versions.get(name, versionNumber(name, version));
    return { ...toVersion(row, await this.recordOf(row)), baselineProfile: await this.versions.baselineProfile(row.model, row.version) };
  }

  private async recordOf({ model, version }: VersionRow): Promise<VersionRecord | undefined> {
    return (await this.records.of(model, version)).get(version);
  }
}
