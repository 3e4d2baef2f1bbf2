export type Json = Readonly<Record<string, unknown>>;
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly additionalProperties?: unknown;
}
export interface Media {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}
export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly description?: string;
  readonly example?: unknown;
  readonly schema?: Schema & { readonly default?: unknown; readonly enum?: readonly unknown[] };
}
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly summary?: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Media>> }>>;
}
export interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Operation, 'method' | 'path'>>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export const operationsOf = ({ paths }: Document): Operation[] =>
  Object.entries(paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ ...operation, parameters: operation.parameters ?? [], method: method.toUpperCase(), path })));

export const nameOf = ({ method, path }: Operation): string => `${method} ${path}`;

/** An example of a value, as the description gives it: of the whole, or put together from the parts; `undefined` where it gives none. */
export function exampleOf(schema: Schema | undefined, document: Document): unknown {
  if (schema === undefined) return undefined;
  if (schema.example !== undefined) return schema.example;
  if (schema.examples?.[0] !== undefined) return schema.examples[0];
  if (schema.$ref !== undefined) return exampleOf(document.components.schemas[schema.$ref.split('/').at(-1)!], document);
  for (const inner of [...(schema.allOf ?? []), ...(schema.anyOf ?? [])]) {
    const example = exampleOf(inner, document);
    if (example !== undefined) return example;
  }
  if (schema.items !== undefined) {
    const example = exampleOf(schema.items, document);
    return example === undefined ? undefined : [example];
  }
  if (schema.properties === undefined) return undefined;
  const parts = Object.entries(schema.properties).flatMap(([name, property]) => {
    const example = exampleOf(property, document);
    return example === undefined ? [] : [[name, example] as const];
  });
  return parts.length === 0 ? undefined : Object.fromEntries(parts);
}

/** Every example of a body or an answer, whichever way it is written down. */
export function examplesOf(media: Media, document: Document): unknown[] {
  if (media.examples !== undefined) return Object.values(media.examples).map(({ value }) => value);
  const example = media.example ?? exampleOf(media.schema, document);
  return example === undefined ? [] : [example];
}
