/** Which doors a role opens. Predicting is a branch of its own: what is predicted feeds guards and retraining, and operators have no part in it. */
export const DOORS_OF = {
  viewer: ['viewer'],
  producer: ['viewer', 'producer'],
  operator: ['viewer', 'operator'],
  approver: ['viewer', 'operator', 'approver'],
  admin: ['viewer', 'producer', 'operator', 'approver', 'admin'],
} as const satisfies Record<string, readonly string[]>;

export type Role = keyof typeof DOORS_OF;

export const ROLES = Object.keys(DOORS_OF) as Role[];

export const isRole = (value: unknown): value is Role => typeof value === 'string' && Object.hasOwn(DOORS_OF, value);

/** Whether any of the roles opens the door of `needed`. */
export const opens = (roles: readonly Role[], needed: Role): boolean => roles.some((role) => (DOORS_OF[role] as readonly Role[]).includes(needed));
