import { Controller, Get, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { appendOnlyProtection } from '@throughline/db';
import { LOGGER, Problems } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { DataSource } from 'typeorm';

export class AuditProtectionResource {
  @ApiProperty({ description: 'whether the database refuses to let the registry change its own audit' })
  protected!: boolean;

  @ApiProperty({ example: 'throughline_registry', description: 'the role that the registry logs in with' })
  role!: string;

  @ApiProperty({ type: [String], example: [], description: 'what that role could do' })
  weaknesses!: string[];
}

/** Says, once at the start and whenever asked, whether the audit is kept from the registry itself. */
@Injectable()
export class AuditProtection implements OnApplicationBootstrap {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource, @Inject(LOGGER) private readonly logger: Logger) {}

  async onApplicationBootstrap(): Promise<void> {
    const { role, weaknesses } = await this.read();
    if (weaknesses.length === 0) return;
    this.logger.warn({ role, weaknesses, cure: 'Give DATABASE_OWNER_URL, and a DATABASE_URL whose role owns nothing: docs/security.md.' }, 'the registry could change its own audit');
  }

  async read(): Promise<AuditProtectionResource> {
    const { role, weaknesses } = await appendOnlyProtection(this.dataSource);
    return { protected: weaknesses.length === 0, role, weaknesses: [...weaknesses] };
  }
}

@ApiTags('audit')
@Controller('registry/v1/audit/protection')
export class AuditProtectionController {
  constructor(@Inject(AuditProtection) private readonly protection: AuditProtection) {}

  @Get()
  @ApiOperation({ summary: 'Whether the registry could change its own audit' })
  @ApiOkResponse({ type: AuditProtectionResource })
  @Problems()
  read(): Promise<AuditProtectionResource> {
    return this.protection.read();
  }
}
