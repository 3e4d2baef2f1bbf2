import type { FetchResponse } from './client.js';

type Tree = Error & { readonly errors?: readonly unknown[]; readonly apiId?: unknown; readonly code?: unknown; readonly response?: FetchResponse };

/** Nobody's patience mends these. */
const FINAL = [
  'INCONSISTENT_GROUP_PROTOCOL',
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'INVALID_GROUP_ID',
  'INVALID_SESSION_TIMEOUT',
];

/** Whether an error of the library is, or gathers, one that the broker calls by one of these names. */
export function isBecause(error: unknown, ...apiIds: readonly string[]): boolean {
  return some(error, ({ apiId }) => typeof apiId === 'string' && apiIds.includes(apiId));
}

/** Whether to try again is in vain. */
export function isFinal(error: unknown): boolean {
  return isBecause(error, ...FINAL) || some(error, ({ code }) => code === 'PLT_KFK_AUTHENTICATION');
}

/** Whether the library refuses by itself what it was asked, as a topic that is not there. */
export const isRefused = (error: unknown): boolean => some(error, ({ code }) => code === 'PLT_KFK_USER');

/** What went wrong, in the words of the innermost errors: the outermost only counts them. */
export function reasonOf(error: unknown): string {
  const reasons = new Set<string>();
  const gather = (one: unknown): void => {
    if (!(one instanceof Error)) return;
    const { errors } = one as Tree;
    if (errors === undefined || errors.length === 0) reasons.add(one.message);
    else errors.forEach(gather);
  };
  gather(error);
  return [...reasons].join('; ');
}

function some(error: unknown, matches: (one: Tree) => boolean): boolean {
  if (!(error instanceof Error)) return false;
  const tree = error as Tree;
  return matches(tree) || some(tree.cause, matches) || (tree.errors ?? []).some((one) => some(one, matches));
}

/** The fetch response that an error is about; the library rejects one as a whole when a single partition has an error. */
export function responseOf(error: unknown): FetchResponse | undefined {
  let found: FetchResponse | undefined;
  some(error, ({ response }) => {
    if (response !== undefined && 'responses' in response) found = response;
    return found !== undefined;
  });
  return found;
}
