import { ContractError } from '@throughline/contracts';
import { parseFilter, readField, Scanner, type Condition, type Field, type Searchable } from './filter.js';

/** What a search looks at; `undefined` and null are what is not there. */
export interface Searched {
  readonly attributes: Readonly<Record<string, string | number | null | undefined>>;
  readonly metrics?: Readonly<Record<string, number>>;
  readonly params?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly datasets?: readonly Readonly<Record<string, string | undefined>>[];
}

export interface Order extends Field {
  readonly descending: boolean;
}

export interface Search {
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
  readonly maxResults: number;
  readonly pageToken?: string | undefined;
}

export interface Page<T> {
  readonly items: T[];
  /** Absent on the last page. */
  readonly nextPageToken?: string;
}

/** Characters that the patterns of one search may look at, a second or two's worth: meanwhile nothing else is answered. */
const MAX_LIKE_STEPS = 100_000_000;
const MAX_ORDERS = 100;

/**
 * Those of the candidates that match, ordered, one page of them. Candidates come in the order that ties keep.
 *
 * @throws ContractError `invalid_request` for a filter, an ordering or a token that is not understood, or a search that takes too long
 */
export function search<T>(candidates: readonly T[], look: (candidate: T) => Searched, { filter, orderBy = [], maxResults, pageToken }: Search, searchable: Searchable): Page<T> {
  const conditions = parseFilter(filter, searchable);
  if (orderBy.length > MAX_ORDERS) throw new ContractError('invalid_request', `order_by has ${orderBy.length} entries, ${MAX_ORDERS} are allowed`, { cure: 'The first few decide.' });
  const orders = orderBy.map((text) => parseOrder(text, searchable));
  const offset = readToken(pageToken);
  const spend = budget(MAX_LIKE_STEPS);
  const found = candidates.map((candidate) => ({ candidate, searched: look(candidate) })).filter(({ searched }) => conditions.every((condition) => matches(condition, searched, spend)));
  if (orders.length > 0) found.sort((a, b) => compare(a.searched, b.searched, orders));
  const items = found.slice(offset, offset + maxResults).map(({ candidate }) => candidate);
  const next = offset + items.length;
  return { items, ...(next < found.length ? { nextPageToken: Buffer.from(String(next)).toString('base64url') } : {}) };
}

type Spend = (steps: number) => void;

/** @throws ContractError `invalid_request` when it is spent */
function budget(steps: number): Spend {
  let left = steps;
  return (spent) => {
    left -= spent;
    if (left < 0) throw new ContractError('invalid_request', 'the patterns of the filter take too long for so many entries', { cure: 'Shorten them, or narrow the search: by experiment, by = instead of LIKE.' });
  };
}

/** @throws ContractError `invalid_request` */
export function parseOrder(text: string, searchable: Searchable): Order {
  const scanner = new Scanner(text);
  const field = readField(scanner, searchable);
  const direction = scanner.take(/ASC\b|DESC\b/iy)?.toUpperCase();
  scanner.expectEnd();
  return { ...field, descending: direction === 'DESC' };
}

function readToken(token: string | undefined): number {
  if (token === undefined || token === '') return 0;
  const offset = Buffer.from(token, 'base64url').toString('latin1');
  if (/^\d{1,9}$/.test(offset)) return Number(offset);
  throw new ContractError('invalid_request', 'the page token is none of ours', { cure: 'Pass the token of the page before, unchanged.' });
}

export function matches(condition: Condition, searched: Searched, spend?: Spend): boolean {
  if (condition.entity === 'dataset') return (searched.datasets ?? []).some((dataset) => holds(condition, dataset[condition.key], spend));
  return holds(condition, valueOf(condition, searched), spend);
}

function valueOf({ entity, key }: Field, { attributes, metrics, params, tags }: Searched): string | number | undefined {
  const from = { attribute: attributes, metric: metrics, param: params, tag: tags, dataset: undefined }[entity];
  return from !== undefined && Object.hasOwn(from, key) ? (from[key] ?? undefined) : undefined;
}

/** Nothing holds of what is not there, but that it is not there. */
function holds({ operator, value }: Condition, actual: string | number | undefined, spend?: Spend): boolean {
  if (operator === 'IS NULL') return actual === undefined;
  if (actual === undefined) return false;
  switch (operator) {
    case 'IS NOT NULL': return true;
    case '=': return actual === value;
    case '!=': return actual !== value;
    case '<': return Number(actual) < (value as number);
    case '<=': return Number(actual) <= (value as number);
    case '>': return Number(actual) > (value as number);
    case '>=': return Number(actual) >= (value as number);
    case 'LIKE': return like(String(actual), value as string, spend);
    case 'ILIKE': return like(String(actual).toLowerCase(), (value as string).toLowerCase(), spend);
    case 'IN': return (value as readonly string[]).includes(String(actual));
    case 'NOT IN': return !(value as readonly string[]).includes(String(actual));
  }
}

/** SQL's LIKE: % is any text, _ any character. Without a regular expression, whose time a sender could choose; `spend` is told how many steps it took, at most the product of the lengths. */
export function like(text: string, pattern: string, spend?: Spend): boolean {
  let steps = 0;
  let at = 0;
  let wanted = 0;
  let star = -1;
  let resumeAt = 0;
  while (at < text.length) {
    steps += 1;
    if (pattern[wanted] === '%') {
      star = wanted;
      resumeAt = at;
      wanted += 1;
    } else if (wanted < pattern.length && (pattern[wanted] === '_' || pattern[wanted] === text[at])) {
      at += 1;
      wanted += 1;
    } else if (star !== -1) {
      resumeAt += 1;
      at = resumeAt;
      wanted = star + 1;
    } else break;
  }
  spend?.(steps);
  if (at < text.length) return false;
  return /^%*$/.test(pattern.slice(wanted));
}

/** What is not there comes last either way, and NaN before it. */
function compare(a: Searched, b: Searched, orders: readonly Order[]): number {
  for (const order of orders) {
    const [left, right] = [valueOf(order, a), valueOf(order, b)];
    const rank = rankOf(left) - rankOf(right);
    if (rank !== 0) return rank;
    if (left === undefined || right === undefined || left === right) continue;
    const difference = left < right ? -1 : left > right ? 1 : 0;
    if (difference !== 0) return order.descending ? -difference : difference;
  }
  return 0;
}

const rankOf = (value: string | number | undefined): number => (value === undefined ? 2 : Number.isNaN(value) ? 1 : 0);
