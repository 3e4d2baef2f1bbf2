import { Body, Controller, Delete, HttpCode, HttpStatus, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { authorOf, Caller, Problems, Requires, type Principal } from '@throughline/http';
import { versionNumber } from '../domain/names.js';
import { VersionRecords } from '../store/version-records.js';
import { VersionStore } from '../store/versions.js';
import { Attributed, PostOverride } from './requests.js';
import { toVersion, VersionResource } from './resources.js';

/** What people decide about a version once it is registered. */
@ApiTags('models')
@Controller('registry/v1/models/:name/versions/:version')
export class VersionRecordsController {
  constructor(@Inject(VersionStore) private readonly versions: VersionStore, @Inject(VersionRecords) private readonly records: VersionRecords) {}

  @Post('overrides')
  @ApiOperation({ summary: 'Answer for a version', description: 'A version that does not say its data set, code and metrics serves only if somebody lets it, by name.' })
  @ApiCreatedResponse({ type: VersionResource })
  @Problems('unknown_version', 'conflict', 'archived')
  @Requires('approver')
  async override(@Param('name') name: string, @Param('version') version: string, @Body() body: PostOverride, @Caller() caller: Principal): Promise<VersionResource> {
    const number = versionNumber(name, version);
    await this.records.override(name, number, { author: authorOf(caller, body.author), reason: body.reason }, new Date());
    return this.read(name, number);
  }

  @Delete()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Archive a version', description: 'Refused while something serves it. Its bytes and its history stay; it can be brought back.' })
  @ApiNoContentResponse()
  @Problems('unknown_version', 'in_use', 'conflict', 'archived')
  async archive(@Param('name') name: string, @Param('version') version: string, @Query() { author, reason }: Attributed, @Caller() caller: Principal): Promise<void> {
    await this.records.archive(name, versionNumber(name, version), { author: authorOf(caller, author), reason }, new Date());
  }

  @Post('restore')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Bring an archived version back' })
  @ApiOkResponse({ type: VersionResource })
  @Problems('unknown_version', 'conflict')
  async restore(@Param('name') name: string, @Param('version') version: string, @Body() { author, reason }: Attributed, @Caller() caller: Principal): Promise<VersionResource> {
    const number = versionNumber(name, version);
    await this.records.restore(name, number, { author: authorOf(caller, author), reason }, new Date());
    return this.read(name, number);
  }

  private async read(model: string, version: number): Promise<VersionResource> {
    const [row, records] = [await this.versions.get(model, version), await this.records.of(model, version)];
    return toVersion(row, records.get(version));
  }
}
