import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { ERRORS } from '@throughline/contracts';
import { describeLimits } from './api-limits.js';
import { documentProblems, type ErrorForm } from './api-problems.js';
import { toOpenApi31 } from './open-api-31.js';

/** Of a parameter in paths: what every route that has it says of it. */
export interface PathParameter {
  readonly description: string;
  readonly example: string | number;
  /** JSON Schema; a string when absent. */
  readonly schema?: Readonly<Record<string, unknown>>;
}

export interface OpenApiInfo {
  readonly title: string;
  readonly description: string;
  /** By name: so that a route need not describe them again. */
  readonly pathParameters?: Readonly<Record<string, PathParameter>>;
  readonly errorForms?: readonly ErrorForm[];
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

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;

/** OpenAPI of the service's controllers, with every answer each operation may give: see `Problems`. */
export function openApiDocument(app: NestFastifyApplication, { title, description, pathParameters = {}, errorForms = [] }: OpenApiInfo): object {
  describeLimits();
  const config = new DocumentBuilder().setTitle(title).setDescription(description).setVersion('1').build();
  const document = SwaggerModule.createDocument(app, config);
  for (const [path, item] of Object.entries(document.paths)) {
    for (const operation of METHODS.flatMap((method) => item[method] ?? [])) {
      documentParameters(operation as Operation, pathParameters);
      documentProblems(path, operation as Operation, errorForms);
    }
  }
  return toOpenApi31({ ...document, components: { ...document.components, schemas: { ...document.components?.schemas, Problem: PROBLEM_SCHEMA } } });
}

type Operation = Parameters<typeof documentProblems>[1] & { parameters?: { in: string; name: string; description?: string; example?: unknown; schema?: { nullable?: boolean } }[] };

function documentParameters({ parameters = [] }: Operation, known: Readonly<Record<string, PathParameter>>): void {
  for (const parameter of parameters) {
    // No text in an address means null.
    if (parameter.schema !== undefined) delete parameter.schema.nullable;
    const described = parameter.in === 'path' && Object.hasOwn(known, parameter.name) ? known[parameter.name] : undefined;
    if (described === undefined) continue;
    parameter.description ??= described.description;
    parameter.example ??= described.example;
    parameter.schema = { ...parameter.schema, ...described.schema };
  }
}
