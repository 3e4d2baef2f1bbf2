import { Environment } from '@marcbachmann/cel-js';
import { RulesError } from './errors.js';
import type { RulesFeature } from './document.js';

/** What evaluates the expressions; answers are the same only with the same. */
export const RULES_LANGUAGE = 'cel-js 8.0.0';

/** Types that features and outputs have in an expression. */
export type RulesType = 'double' | 'int' | 'bool' | 'string';

/** Upper bounds of one expression: parsing and evaluating recurse, and a row's cost grows with the nodes. */
export const MAX_EXPRESSION_LENGTH = 4096;
export const MAX_NODES = 1000;
export const MAX_DEPTH = 64;
const MAX_LIST_ELEMENTS = 200;

interface Callable {
  readonly result: RulesType;
  /** Whether it takes doubles, so that integer literals among its arguments become some. */
  readonly takesDoubles?: boolean;
}

/** Functions of CEL that stay. Left out is what can run for long (regular expressions, loops) or yields what is no output. */
export const FUNCTIONS: Readonly<Record<string, Callable>> = {
  double: { result: 'double' },
  int: { result: 'int' },
  string: { result: 'string' },
  size: { result: 'int' },
  abs: { result: 'double', takesDoubles: true },
  ceil: { result: 'double', takesDoubles: true },
  exp: { result: 'double', takesDoubles: true },
  floor: { result: 'double', takesDoubles: true },
  isNaN: { result: 'bool', takesDoubles: true },
  ln: { result: 'double', takesDoubles: true },
  max: { result: 'double', takesDoubles: true },
  min: { result: 'double', takesDoubles: true },
  pow: { result: 'double', takesDoubles: true },
  round: { result: 'double', takesDoubles: true },
  sqrt: { result: 'double', takesDoubles: true },
};

export const METHODS: Readonly<Record<string, Callable>> = {
  contains: { result: 'bool' },
  endsWith: { result: 'bool' },
  lowerAscii: { result: 'string' },
  size: { result: 'int' },
  startsWith: { result: 'bool' },
  trim: { result: 'string' },
  upperAscii: { result: 'string' },
};

const NOT_ASYNC = { async: false };

/** The language with mathematics that CEL lacks, before any features. */
const base = new Environment({ limits: { maxAstNodes: MAX_NODES, maxDepth: MAX_DEPTH, maxListElements: MAX_LIST_ELEMENTS, maxCallArguments: 4 } })
  .registerFunction('abs(double): double', Math.abs, NOT_ASYNC)
  .registerFunction('ceil(double): double', Math.ceil, NOT_ASYNC)
  .registerFunction('exp(double): double', Math.exp, NOT_ASYNC)
  .registerFunction('floor(double): double', Math.floor, NOT_ASYNC)
  .registerFunction('isNaN(double): bool', Number.isNaN, NOT_ASYNC)
  .registerFunction('ln(double): double', Math.log, NOT_ASYNC)
  .registerFunction('max(double, double): double', (a: number, b: number) => Math.max(a, b), NOT_ASYNC)
  .registerFunction('min(double, double): double', (a: number, b: number) => Math.min(a, b), NOT_ASYNC)
  .registerFunction('pow(double, double): double', (a: number, b: number) => a ** b, NOT_ASYNC)
  .registerFunction('round(double): double', Math.round, NOT_ASYNC)
  .registerFunction('sqrt(double): double', Math.sqrt, NOT_ASYNC);

/** The language over these features. */
export function environmentOf(features: readonly RulesFeature[]): Environment {
  const environment = base.clone();
  for (const { name, kind } of features) declare(environment, name, kind);
  return environment;
}

function declare(environment: Environment, name: string, kind: RulesFeature['kind']): void {
  const cure = 'Give the feature a name of letters, digits and underscores that means nothing else in an expression.';
  try {
    environment.registerVariable(name, kind === 'numeric' ? 'double' : 'string');
    const { op, args } = environment.parse(name).ast;
    if (op === 'id' && args === name) return;
  } catch (cause) {
    throw new RulesError(`a feature cannot be called “${name}” in rules: ${(cause as { summary?: string }).summary ?? (cause as Error).message}`, { cure });
  }
  throw new RulesError(`a feature cannot be called “${name}” in rules`, { cure });
}
