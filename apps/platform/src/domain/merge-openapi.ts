/** The parts of an OpenAPI document that merging touches. */
export interface OpenApiDocument {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly security?: readonly unknown[];
  readonly components?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface NamedDocument {
  readonly service: string;
  readonly document: OpenApiDocument;
}

/**
 * One document of many. Operations are tagged with their service. A component whose name another service uses for something else is
 * renamed `service.Name`, with every reference to it.
 */
export function mergeOpenApi(info: Readonly<Record<string, unknown>>, documents: readonly NamedDocument[]): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  const components: Record<string, Record<string, unknown>> = {};
  for (const { service, document } of documents) {
    const renames = clashes(components, service, document);
    const own = renameReferences(document, renames) as OpenApiDocument;
    for (const [kind, entries] of Object.entries(own.components ?? {})) {
      const merged = (components[kind] ??= {});
      for (const [name, component] of Object.entries(entries)) merged[renames.get(reference(kind, name))?.split('/').at(-1) ?? name] = component;
    }
    for (const [path, operations] of Object.entries(own.paths ?? {})) paths[path] = { ...paths[path], ...tagged(operations, service) };
  }
  // The same for all of them.
  const security = documents.find(({ document }) => document.security !== undefined)?.document.security;
  return { openapi: '3.1.0', info, ...(security && { security }), paths, components, tags: documents.map(({ service }) => ({ name: service })) };
}

const reference = (kind: string, name: string): string => `#/components/${kind}/${name}`;

/** References that must change, old to new. */
function clashes(
  taken: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  service: string,
  { components = {} }: OpenApiDocument,
): Map<string, string> {
  const renames = new Map<string, string>();
  for (const [kind, entries] of Object.entries(components)) {
    for (const [name, component] of Object.entries(entries)) {
      const other = taken[kind]?.[name];
      if (other !== undefined && JSON.stringify(other) !== JSON.stringify(component)) renames.set(reference(kind, name), reference(kind, `${service}.${name}`));
    }
  }
  return renames;
}

function renameReferences(value: unknown, renames: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => renameReferences(item, renames));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string' ? (renames.get(inner) ?? inner) : renameReferences(inner, renames),
    ]),
  );
}

const METHODS = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);

function tagged(operations: Readonly<Record<string, unknown>>, service: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(operations).map(([method, operation]) => {
      if (!METHODS.has(method) || typeof operation !== 'object' || operation === null) return [method, operation];
      const { operationId } = operation as { operationId?: string };
      return [method, { ...operation, tags: [service], ...(operationId && { operationId: `${service}.${operationId}` }) }];
    }),
  );
}
