import { ContractError } from '@throughline/contracts';

export interface AliasMove {
  readonly alias: string;
  /** `null` removes the alias. */
  readonly version: number | null;
  /** What the writer believes is there; `null` for nothing. Absent: whatever is there. */
  readonly expected?: number | null | undefined;
}

/**
 * Compare and swap. A move to where the alias already is changes nothing, and leaves no history.
 *
 * @param current the version the alias has now, `null` for none
 * @throws ContractError `conflict` when the writer expected something else
 */
export function decideAlias(current: number | null, { alias, version, expected }: AliasMove): 'move' | 'unchanged' {
  if (expected !== undefined && expected !== current) {
    throw new ContractError('conflict', `alias “${alias}” is ${name(current)}, not ${name(expected)} as expected`);
  }
  return version === current ? 'unchanged' : 'move';
}

const name = (version: number | null): string => (version === null ? 'unset' : `version ${version}`);
