import type { ApiBodyOptions } from '@nestjs/swagger';

/** A schema where @nestjs/swagger takes one; JSON Schema 2020-12, whatever its type says. */
export type ApiSchema = Extract<ApiBodyOptions, { schema: unknown }>['schema'];

/** For a schema that was written down for another reason: a contract's, or one of TypeBox. */
export const apiSchema = (schema: object): ApiSchema => JSON.parse(JSON.stringify(schema)) as ApiSchema;
