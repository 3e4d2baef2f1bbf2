export interface Change {
  readonly sign: '+' | '~' | '-';
  /** Way to the field. */
  readonly at: string;
  readonly from?: unknown;
  readonly to?: unknown;
}

/** How two documents differ, field by field; lists count as one field, because their order means something. */
export function differences(before: unknown, after: unknown, at = ''): Change[] {
  if (isGroup(before) && isGroup(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => differences(before[key], after[key], at === '' ? key : `${at}.${key}`));
  }
  if (before === undefined) return after === undefined ? [] : leaves(after, at).map(([path, to]) => ({ sign: '+', at: path, to }));
  if (after === undefined) return leaves(before, at).map(([path, from]) => ({ sign: '-', at: path, from }));
  return isSame(before, after) ? [] : [{ sign: '~', at, from: before, to: after }];
}

/** A change for a person, such as `~ serving.latencyBudgetMs.inference 2 -> 3`. */
export function changeText({ sign, at, from, to }: Change): string {
  const values = sign === '~' ? `${short(from)} -> ${short(to)}` : short(sign === '+' ? to : from);
  return `${sign} ${at} ${values}`;
}

function leaves(value: unknown, at: string): [string, unknown][] {
  if (!isGroup(value)) return [[at, value]];
  return Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : leaves(one, at === '' ? key : `${at}.${key}`)));
}

const MAX_SHOWN = 100;

function short(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN - 1)}…`;
}

const isGroup = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, index) => isSame(one, b[index]));
  if (isGroup(a) && isGroup(b)) return differences(a, b).length === 0;
  return Object.is(a, b);
}
