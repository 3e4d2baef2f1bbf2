import { Body, Controller, Get, Param, ParseIntPipe, Put, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import type { FastifyReply } from 'fastify';
import { ViewStore, type StoredView } from '../store/view-store.js';
import { PutViewDto, ViewDto } from './views.dto.js';

@ApiTags('feature views')
@Controller('features/v1/views')
export class ViewsController {
  constructor(private readonly views: ViewStore) {}

  @Put(':name')
  @ApiOperation({ summary: 'Define a view; a changed definition becomes a new version (201), the same one changes nothing (200)' })
  @ApiOkResponse({ type: ViewDto, description: 'the definition it had already' })
  @ApiCreatedResponse({ type: ViewDto, description: 'a new version' })
  async put(@Param('name') name: string, @Body() body: PutViewDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<ViewDto> {
    const { view, created } = await this.views.put({ name, ...plain(body) });
    void reply.status(created ? 201 : 200);
    return toDto(view);
  }

  @Get()
  @ApiOperation({ summary: 'All views with all their versions, newest first' })
  @ApiOkResponse({ type: [ViewDto] })
  async list(): Promise<ViewDto[]> {
    return (await this.views.all()).map(toDto);
  }

  @Get(':name')
  @ApiOperation({ summary: 'The latest version of a view' })
  @ApiOkResponse({ type: ViewDto })
  async latest(@Param('name') name: string): Promise<ViewDto> {
    return toDto(await this.find(name));
  }

  @Get(':name/versions/:version')
  @ApiOperation({ summary: 'One version of a view' })
  @ApiOkResponse({ type: ViewDto })
  async version(@Param('name') name: string, @Param('version', ParseIntPipe) version: number): Promise<ViewDto> {
    return toDto(await this.find(name, version));
  }

  private async find(name: string, version?: number): Promise<StoredView> {
    const found = (await this.views.versions(name)).find(({ definition }) => version === undefined || definition.version === version);
    if (found === undefined) throw new ContractError('not_found', `there is no feature view ${name}${version === undefined ? '' : `@${version}`}`);
    return found;
  }
}

const toDto = ({ definition, definedAt }: StoredView): ViewDto => ({ ...definition, definedAt: definedAt.toISOString() });

/** DTOs are class instances; what is stored and compared is plain data. */
const plain = (body: PutViewDto): PutViewDto => JSON.parse(JSON.stringify(body)) as PutViewDto;
