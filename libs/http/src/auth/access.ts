import type { Role } from './roles.js';

/** What a request needs: a role, or nothing. */
export type Need = Role | 'anyone';

interface Rule {
  readonly methods: readonly string[];
  /** Of the route's pattern, such as `/v2/models/:model/infer`: however a client encodes its path, the pattern is the same. */
  readonly route: RegExp;
  readonly need: Need;
}

const READ = ['GET', 'HEAD', 'OPTIONS'];

/** The first that matches. What none names is read by viewers and written by operators; `@Requires` on a handler precedes them all. */
const RULES: readonly Rule[] = [
  // Forgetting somebody cannot be undone, and asking about it tells who is to be forgotten.
  { methods: [...READ, 'POST'], route: /^\/ledger\/v1\/erasures/, need: 'admin' },
  { methods: READ, route: /^\/health\/(live|ready)$/, need: 'anyone' },
  { methods: READ, route: /./, need: 'viewer' },

  // Asked with POST, changes nothing.
  { methods: ['POST'], route: /^\/get-online-features$/, need: 'viewer' },
  { methods: ['POST'], route: /^\/ledger\/v1\/(exports|queries\/:[^/]+\/export|books|recomputations|predictions\/:[^/]+\/recompute)$/, need: 'viewer' },
  { methods: ['POST'], route: /^\/api\/2\.0\/mlflow\/(.*\/)?(search|get-latest-versions|search-all)$/, need: 'viewer' },

  { methods: ['POST'], route: /^\/v2\/|^\/push$/, need: 'producer' },

  // Past what the model's own policy of promotion asks for, or changing that policy.
  { methods: ['PUT'], route: /^\/registry\/v1\/models\/:[^/]+\/(deployment|policy)$/, need: 'approver' },
  { methods: ['POST', 'PUT'], route: /^\/registry\/v1\/models\/.*\/(overrides|approvals|approve|promote)$/, need: 'approver' },
];

/** Data in and out, not administration: counted by a limit of its own. */
const DATA = /^\/v2\/|^\/push$|^\/get-online-features$/;
export const isDataRoute = (route: string): boolean => DATA.test(route);

/** What a request needs, by its method and its route's pattern; `undefined` for a route that does not exist. */
export function needOf(method: string, route: string | undefined): Need {
  if (route === undefined) return 'viewer';
  return RULES.find(({ methods, route: pattern }) => methods.includes(method) && pattern.test(route))?.need ?? 'operator';
}
