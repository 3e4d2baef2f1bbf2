import { Controller, Get, Inject, Param, Query, Res, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import { query } from '@throughline/db';
import type { FastifyReply } from 'fastify';
import { DataSource } from 'typeorm';
import { ArtifactFiles } from '../store/artifacts.js';
import { readAudit } from '../store/audit.js';
import { AuditQuery } from './requests.js';
import { AuditResource, toAuditLine } from './resources.js';

const DEFAULT_AUDIT_LIMIT = 100;

@ApiTags('artifacts')
@Controller('registry/v1')
export class ArtifactsController {
  constructor(@Inject(ArtifactFiles) private readonly artifacts: ArtifactFiles, @Inject(DataSource) private readonly dataSource: DataSource) {}

  @Get('artifacts/:sha256')
  @ApiOperation({ summary: 'The bytes of an artifact; check them against the hash in its name' })
  @ApiProduces('application/octet-stream')
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  async read(@Param('sha256') sha256: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<StreamableFile> {
    const [registered] = await query<{ sizeBytes: number }>(this.dataSource, 'SELECT size_bytes AS "sizeBytes" FROM versions WHERE artifact_sha256 = $1 LIMIT 1', [sha256]);
    const artifact = await this.artifacts.read(sha256, registered?.sizeBytes);
    if (artifact === undefined) throw new ContractError('not_found', `there is no artifact ${sha256.slice(0, 80)}`);
    // What a hash names never changes.
    reply.header('etag', `"${sha256}"`).header('cache-control', 'public, max-age=31536000, immutable');
    return new StreamableFile(artifact.stream, { type: 'application/octet-stream', length: artifact.sizeBytes });
  }

  @Get('audit')
  @ApiOperation({ summary: 'Who did what, newest first' })
  @ApiOkResponse({ type: [AuditResource] })
  async audit(@Query() { model, before, limit = DEFAULT_AUDIT_LIMIT }: AuditQuery): Promise<AuditResource[]> {
    return (await readAudit(this.dataSource, { model, beforeId: before, limit })).map(toAuditLine);
  }
}
