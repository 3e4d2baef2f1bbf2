import type { Parser } from './parsers.js';

/** One setting, described where it is parsed. */
export interface Setting<T> {
  /** One sentence for the reader of the documentation. */
  readonly meaning: string;
  /** Unit of the value, where it has one: `ms`, `bytes`, `days`. */
  readonly unit?: string;
  readonly parse: Parser<T>;
  /** The value when nothing is given. Without it an absent setting is `undefined`. */
  readonly default?: T;
  /** An absent setting is an error. */
  readonly required?: boolean;
  /** The value never appears in errors or documentation. */
  readonly secret?: boolean;
}

// `any`: a record of settings of different types has no other common supertype that keeps each type inferable.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Settings = Readonly<Record<string, Setting<any>>>;

type ValueOf<S> = S extends { parse: Parser<infer T> } ? (S extends { default: unknown } | { required: true } ? T : T | undefined) : never;

/** The typed values of a record of settings. */
export type Parsed<D extends Settings> = { readonly [K in keyof D]: ValueOf<D[K]> };

type DefaultsMatch<D extends Settings> = { readonly [K in keyof D]: D[K] extends { parse: Parser<infer T> } ? { readonly default?: T } : never };

/** Declares settings once; types, parsing and documentation derive from the declaration. */
export const defineSettings = <const D extends Settings>(definitions: D & DefaultsMatch<D>): D => definitions;

/** The same setting, required. */
export const required = <T, S extends Setting<T>>(setting: S): S & { readonly required: true } => ({ ...setting, required: true });

/** The same setting with another default. */
export const withDefault = <T>(setting: Setting<T>, value: T): Setting<T> & { readonly default: T } => ({ ...setting, default: value });

/** A setting that is missing or does not parse. Its message names the setting, what was given and what is expected. */
export class SettingError extends Error {
  override readonly name = 'SettingError';

  constructor(
    readonly setting: string,
    given: string | undefined,
    definition: Setting<unknown>,
  ) {
    const shown = given === undefined ? 'not set' : definition.secret ? 'set to a value that does not parse' : `"${given}"`;
    super(`${setting} is ${shown}; expected ${definition.parse.expected} (${definition.meaning})`);
  }
}

/**
 * Parses an environment by its declaration. An empty or blank value counts as not given.
 *
 * @throws SettingError for the first value that is missing though required, or does not parse.
 */
export function parseSettings<const D extends Settings>(definitions: D, env: Readonly<Record<string, string | undefined>>): Parsed<D> {
  const values = Object.entries(definitions).map(([name, definition]) => [name, parseOne(name, definition, env[name])]);
  return Object.fromEntries(values) as Parsed<D>;
}

function parseOne(name: string, definition: Setting<unknown>, given: string | undefined): unknown {
  const raw = given?.trim();
  if (raw === undefined || raw === '') {
    if (definition.required && definition.default === undefined) throw new SettingError(name, undefined, definition);
    return definition.default;
  }
  const value = definition.parse.read(raw);
  if (value === undefined) throw new SettingError(name, raw, definition);
  return value;
}
