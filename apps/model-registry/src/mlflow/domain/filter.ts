import { ContractError } from '@throughline/contracts';

export type Entity = 'attribute' | 'metric' | 'param' | 'tag' | 'dataset';
export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'LIKE' | 'ILIKE' | 'IN' | 'NOT IN' | 'IS NULL' | 'IS NOT NULL';

/** What a condition or an ordering speaks of. */
export interface Field {
  readonly entity: Entity;
  readonly key: string;
}

export interface Condition extends Field {
  readonly operator: Operator;
  readonly value?: string | number | readonly string[] | undefined;
}

/** What a search understands: its attributes and, besides, which of metrics, params, tags and datasets. */
export interface Searchable {
  readonly attributes: Readonly<Record<string, 'text' | 'number'>>;
  readonly entities: readonly Entity[];
}

const ENTITY: Readonly<Record<string, Entity>> = {
  attribute: 'attribute', attributes: 'attribute', attr: 'attribute', run: 'attribute',
  metric: 'metric', metrics: 'metric', param: 'param', params: 'param', parameter: 'param', parameters: 'param',
  tag: 'tag', tags: 'tag', dataset: 'dataset', datasets: 'dataset',
};
const COMPARISON = /<=|>=|!=|=|<|>|(?:NOT\s+)?IN\b|I?LIKE\b|IS\s+(?:NOT\s+)?NULL\b/iy;
const WORD = /[\w.\-/]+/y;
const QUOTED_NAME = /`([^`]*)`|"([^"]*)"/y;
const TEXT = /'((?:[^']|'')*)'|"((?:[^"]|"")*)"/y;
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/iy;
const SPACE = /\s*/y;
const MAX_LENGTH = 20_000;

/**
 * Parses a filter as MLflow's clients write it: comparisons joined by AND, such as `metrics.auc > 0.8 AND tags."my key" LIKE '%x%'`.
 *
 * @throws ContractError `invalid_request` that quotes what was not understood
 */
export function parseFilter(text: string | undefined, searchable: Searchable): Condition[] {
  if (text === undefined || text.trim() === '') return [];
  if (text.length > MAX_LENGTH) throw refuse(`the filter has more than ${MAX_LENGTH} characters`);
  const scanner = new Scanner(text);
  const conditions: Condition[] = [];
  do {
    conditions.push(condition(scanner, searchable));
  } while (scanner.take(/AND\b/iy) !== undefined);
  scanner.expectEnd();
  return conditions;
}

/** Reads `metrics.auc`, `tags."my key"`, or the bare name of an attribute. */
export function readField(scanner: Scanner, { attributes, entities }: Searchable): Field {
  const field = splitField(scanner, attributes);
  if (!entities.includes(field.entity)) throw refuse(`there is no search by ${field.entity} here: “${field.key}”`);
  if (field.entity === 'attribute' && !Object.hasOwn(attributes, field.key)) throw refuse(`there is no attribute “${field.key.slice(0, 100)}”; known are ${Object.keys(attributes).join(', ')}`);
  if (field.entity === 'dataset' && !['name', 'digest', 'context'].includes(field.key)) throw refuse(`data sets are found by name, digest or context, not by “${field.key.slice(0, 100)}”`);
  return field;
}

function splitField(scanner: Scanner, attributes: Searchable['attributes']): Field {
  const quoted = scanner.take(QUOTED_NAME);
  if (quoted !== undefined) return { entity: 'attribute', key: unquoteName(quoted) };
  const word = scanner.take(WORD);
  if (word === undefined) throw scanner.unexpected('the name of a field');
  const dot = word.indexOf('.');
  const entity = dot === -1 ? undefined : ENTITY[word.slice(0, dot).toLowerCase()];
  if (entity === undefined || Object.hasOwn(attributes, word)) return { entity: 'attribute', key: word };
  const rest = word.slice(dot + 1);
  const key = rest === '' ? scanner.take(QUOTED_NAME, 'at once') : rest;
  if (key === undefined) throw scanner.unexpected(`a key after “${word}”`);
  return { entity, key: rest === '' ? unquoteName(key) : key };
}

function condition(scanner: Scanner, searchable: Searchable): Condition {
  const field = readField(scanner, searchable);
  const operator = scanner.take(COMPARISON)?.toUpperCase().replace(/\s+/g, ' ') as Operator | undefined;
  if (operator === undefined) throw scanner.unexpected('a comparison');
  if (operator === 'IS NULL' || operator === 'IS NOT NULL') return { ...field, operator };
  const isNumber = field.entity === 'metric' || (field.entity === 'attribute' && searchable.attributes[field.key] === 'number');
  if (isNumber) return { ...field, operator: numeric(operator, field), value: number(scanner, field) };
  if (operator === 'IN' || operator === 'NOT IN') return { ...field, operator, value: list(scanner) };
  if (!['=', '!=', 'LIKE', 'ILIKE'].includes(operator)) throw refuse(`“${field.key}” is text, which is compared by =, !=, LIKE, ILIKE or IN, not by ${operator}`);
  return { ...field, operator, value: text(scanner) };
}

function numeric(operator: Operator, { key }: Field): Operator {
  if (['=', '!=', '<', '<=', '>', '>='].includes(operator)) return operator;
  throw refuse(`“${key}” is a number, which is compared by =, !=, <, <=, > or >=, not by ${operator}`);
}

function number(scanner: Scanner, { key }: Field): number {
  const found = scanner.take(NUMBER);
  if (found === undefined) throw scanner.unexpected(`a number to compare “${key}” with`);
  return Number(found);
}

function text(scanner: Scanner): string {
  const found = scanner.take(TEXT);
  if (found === undefined) throw scanner.unexpected('text in single quotes');
  const quote = found[0]!;
  return found.slice(1, -1).replaceAll(quote + quote, quote);
}

function list(scanner: Scanner): string[] {
  const values: string[] = [];
  if (scanner.take(/\(/y) === undefined) throw scanner.unexpected('a list such as (\'a\', \'b\')');
  do {
    values.push(text(scanner));
  } while (scanner.take(/,/y) !== undefined);
  if (scanner.take(/\)/y) === undefined) throw scanner.unexpected('the end of the list');
  return values;
}

const unquoteName = (quoted: string): string => quoted.slice(1, -1);
const refuse = (reason: string): ContractError => new ContractError('invalid_request', reason, { cure: 'For example: metrics.auc > 0.8 AND params.depth = \'4\' AND tags."my key" LIKE \'%x%\'' });

/** Walks through a text from left to right. */
export class Scanner {
  private at = 0;

  constructor(private readonly text: string) {}

  /** What the pattern (sticky) matches next, or `undefined`; blanks before it are skipped unless it must follow at once. */
  take(pattern: RegExp, where?: 'at once'): string | undefined {
    const start = where === 'at once' ? this.at : this.skip(SPACE, this.at);
    const end = this.skip(pattern, start);
    if (end === start) return undefined;
    this.at = end;
    return this.text.slice(start, end);
  }

  expectEnd(): void {
    if (this.skip(SPACE, this.at) < this.text.length) throw this.unexpected('AND or the end');
  }

  unexpected(wanted: string): ContractError {
    const rest = this.text.slice(this.at, this.at + 40).trim();
    return refuse(`expected ${wanted} ${rest === '' ? 'at the end' : `at “${rest}”`}`);
  }

  private skip(pattern: RegExp, from: number): number {
    pattern.lastIndex = from;
    return pattern.test(this.text) ? pattern.lastIndex : from;
  }
}
