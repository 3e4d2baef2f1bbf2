import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { ERRORS } from '@throughline/contracts';
import { PROBLEM_CONTENT_TYPE } from './problem.js';

export interface OpenApiInfo {
  readonly title: string;
  readonly description: string;
}

const PROBLEM_SCHEMA = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail', 'cure'],
  properties: {
    type: { type: 'string', example: 'urn:throughline:error:not_found' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(ERRORS) },
    detail: { type: 'string', description: 'what is wrong and where' },
    cure: { type: 'string', description: 'what to do about it' },
    instance: { type: 'string' },
    requestId: { type: 'string' },
  },
};

/** OpenAPI of the service's controllers; every operation may also answer with a problem. */
export function openApiDocument(app: NestFastifyApplication, info: OpenApiInfo): object {
  const config = new DocumentBuilder()
    .setTitle(info.title)
    .setDescription(info.description)
    .setVersion('1')
    .addGlobalResponse({ status: 'default', description: 'A problem (RFC 9457)', content: { [PROBLEM_CONTENT_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } } } as never)
    .build();
  const document = SwaggerModule.createDocument(app, config);
  return { ...document, components: { ...document.components, schemas: { ...document.components?.schemas, Problem: PROBLEM_SCHEMA } } };
}
