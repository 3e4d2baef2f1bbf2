import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { ERRORS } from '@throughline/contracts';
import { describeLimits, validatedClasses } from './api-limits.js';
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
  /** Of routes that are no controllers, described by hand. */
  readonly paths?: Readonly<Record<string, Readonly<Record<string, object>>>>;
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

const BEARER = { type: 'http', scheme: 'bearer', description: 'An API key (tl_…) or a token of the issuer; without authentication configured, none is needed.' } as const;
/** A key, or none. */
const SECURITY = [{ key: [] }, {}];

/** Of a parameter in paths; longer ones are answered with 414. By default it would be 100, and some names are longer. */
export const MAX_PARAMETER_LENGTH = 500;

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;

/** OpenAPI of the service's controllers, with every answer each operation may give: see `Problems`. */
export function openApiDocument(app: NestFastifyApplication, { title, description, pathParameters = {}, errorForms = [], paths = {} }: OpenApiInfo): object {
  describeLimits();
  const config = new DocumentBuilder().setTitle(title).setDescription(description).setVersion('1').addBearerAuth(BEARER, 'key').build();
  const document = SwaggerModule.createDocument(app, config);
  Object.assign(document.paths, structuredClone(paths));
  for (const [path, item] of Object.entries(document.paths)) {
    for (const operation of METHODS.flatMap((method) => item[method] ?? [])) {
      documentParameters(path, operation as Operation, pathParameters);
      documentProblems(path, operation as Operation, errorForms);
    }
  }
  closeBodies(document.components?.schemas ?? {});
  return toOpenApi31({ ...document, security: SECURITY, components: { ...document.components, schemas: { ...document.components?.schemas, Problem: PROBLEM_SCHEMA } } });
}

function closeBodies(schemas: Readonly<Record<string, object>>): void {
  for (const name of validatedClasses()) {
    const schema = schemas[name];
    if (schema !== undefined) Object.assign(schema, { additionalProperties: false });
  }
}

type Operation = Omit<Parameters<typeof documentProblems>[1], 'parameters'> & { parameters?: Parameter[] };
interface Parameter {
  in: string;
  name: string;
  required?: boolean;
  description?: string;
  example?: unknown;
  schema?: { nullable?: boolean } & object;
}

/** A handler of several paths, or one that reads the request itself, does not tell which parameters its path has; the path does. */
function documentParameters(path: string, operation: Operation, known: Readonly<Record<string, PathParameter>>): void {
  const ofPath = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name!);
  const parameters = operation.parameters ?? [];
  const declared = ofPath.map((name) => parameters.find((parameter) => parameter.in === 'path' && parameter.name === name) ?? { in: 'path', name, schema: { type: 'string' } });
  operation.parameters = [...declared.map((parameter) => described(parameter, known)), ...parameters.filter((parameter) => parameter.in !== 'path')];
  for (const { schema } of operation.parameters) {
    // No text in an address means null.
    if (schema !== undefined) delete schema.nullable;
  }
}

function described(parameter: Parameter, known: Readonly<Record<string, PathParameter>>): Parameter {
  const ofName = Object.hasOwn(known, parameter.name) ? known[parameter.name] : undefined;
  const schema = { minLength: 1, maxLength: MAX_PARAMETER_LENGTH, ...parameter.schema, ...ofName?.schema };
  return { ...(ofName === undefined ? {} : { description: ofName.description, example: ofName.example }), ...parameter, required: true, schema };
}
