import { getMetadataStorage } from 'class-validator';

/** Where @nestjs/swagger keeps what it knows of a property. */
const PROPERTY = 'swagger/apiModelProperties';

interface Validation {
  readonly target: unknown;
  readonly propertyName: string;
  /** Name of the decorator, such as `maxLength`. */
  readonly name?: string;
  readonly constraints?: readonly unknown[];
  readonly each: boolean;
}

type Keywords = Readonly<Record<string, unknown>>;

/** What a decorator of class-validator says, in the keywords of JSON Schema. */
const KEYWORDS: Readonly<Record<string, (constraints: readonly unknown[]) => Keywords>> = {
  maxLength: ([maxLength]) => ({ maxLength }),
  minLength: ([minLength]) => ({ minLength }),
  isLength: ([minLength, maxLength]) => ({ minLength, ...(maxLength === undefined ? {} : { maxLength }) }),
  isOptional: () => ({ nullable: true }),
  isNotEmpty: () => ({ minLength: 1 }),
  matches: ([pattern]) => ({ pattern: (pattern as RegExp).source }),
  min: ([minimum]) => ({ minimum }),
  max: ([maximum]) => ({ maximum }),
  isInt: () => ({ type: 'integer' }),
  isUuid: () => ({ format: 'uuid' }),
  isInstant: () => ({ format: 'date-time' }),
  isRFC3339: () => ({ format: 'date-time' }),
  arrayMinSize: ([minItems]) => ({ minItems }),
  arrayMaxSize: ([maxItems]) => ({ maxItems }),
  arrayNotEmpty: () => ({ minItems: 1 }),
  arrayUnique: () => ({ uniqueItems: true }),
};
const OF_THE_LIST = new Set(['isOptional', 'arrayMinSize', 'arrayMaxSize', 'arrayNotEmpty', 'arrayUnique']);

/**
 * Tells the description of each DTO the limits that validate it, so that nobody writes them twice. What `@ApiProperty` says itself stays.
 */
export function describeLimits(): void {
  for (const validation of [...validated().values()].flat()) describe(validation);
}

/** Names of the classes that validate bodies: their unknown fields are refused. */
export const validatedClasses = (): ReadonlySet<string> => new Set([...validated().keys()].flatMap((target) => (typeof target === 'function' ? target.name : [])));

const validated = (): ReadonlyMap<unknown, readonly Validation[]> => (getMetadataStorage() as unknown as { validationMetadatas: ReadonlyMap<unknown, readonly Validation[]> }).validationMetadatas;

function describe({ target, propertyName, name = '', constraints = [], each }: Validation): void {
  const keywords = KEYWORDS[name]?.(constraints);
  if (keywords === undefined || typeof target !== 'function') return;
  const prototype = target.prototype as object;
  const known = Reflect.getMetadata(PROPERTY, prototype, propertyName) as (Keywords & { isArray?: boolean; items?: Keywords }) | undefined;
  if (known === undefined) return;
  const isOfItems = !OF_THE_LIST.has(name) && (each || known.isArray === true);
  const items = known['type'] === String ? { type: 'string' } : {};
  const merged = isOfItems ? { ...known, items: { ...items, ...keywords, ...known.items } } : { ...keywords, ...known, ...(keywords['type'] === undefined ? {} : keywords) };
  Reflect.defineMetadata(PROPERTY, merged, prototype, propertyName);
}
