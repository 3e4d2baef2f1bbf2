type Json = Readonly<Record<string, unknown>>;

/** Below these keys stand names, not keywords; below those, values. */
const NAMES = new Set(['properties', 'patternProperties', 'schemas', 'responses', 'paths', 'headers', 'content']);
const VALUES = new Set(['example', 'examples', 'default', 'enum', 'const']);

/**
 * A document of OpenAPI 3.0, as decorators write it, as one of 3.1, whose schemas are JSON Schema 2020-12: the contracts' own schemas
 * are that already (`exclusiveMinimum: 0`, `const`), and 3.0 cannot hold them. `nullable` becomes a type.
 */
export const toOpenApi31 = (document: Json): Json => ({ ...(keyword(document) as Json), openapi: '3.1.0' });

function keyword(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(keyword);
  if (typeof value !== 'object' || value === null) return value;
  const { nullable, ...rest } = value as Json;
  const converted = mapValues(rest, (item, key) => (VALUES.has(key) ? item : NAMES.has(key) ? named(item) : keyword(item)));
  const typed = typeOfExample(converted);
  return nullable === true ? orNull(typed) : typed;
}

const named = (value: unknown): unknown => (typeof value === 'object' && value !== null && !Array.isArray(value) ? mapValues(value as Json, keyword) : keyword(value));
const mapValues = (object: Json, change: (value: unknown, key: string) => unknown): Json => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));

/** Of `string | undefined` the compiler keeps `Object`: the example knows better. */
function typeOfExample(schema: Json): Json {
  const { type, example, properties, additionalProperties } = schema;
  if (type !== 'object' || properties !== undefined || additionalProperties !== undefined) return schema;
  return ['string', 'number', 'boolean'].includes(typeof example) ? { ...schema, type: typeof example } : schema;
}

function orNull(schema: Json): Json {
  const { type, enum: values } = schema;
  if (typeof type === 'string') return { ...schema, type: [type, 'null'], ...(Array.isArray(values) ? { enum: [...new Set([...values, null])] } : {}) };
  const { description, example, ...rest } = schema;
  return { anyOf: [rest, { type: 'null' }], ...(description === undefined ? {} : { description }), ...(example === undefined ? {} : { example }) };
}
