import { ContractError } from '@throughline/contracts';

/** The alias that serves: moving it changes the deployment. */
export const CHAMPION = 'champion';

/** Column under which references hold the model's own score, and name of the score's profile. */
export const SCORE = 'score';

const MODEL = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;
// Never all digits: `models:/m@2` must not look like a version.
const ALIAS = /^[A-Za-z][A-Za-z0-9._-]{0,99}$/;
const VERSION = /^[1-9]\d{0,8}$/;

/** @throws ContractError `invalid_request` */
export function checkModelName(name: string): string {
  if (MODEL.test(name)) return name;
  throw new ContractError('invalid_request', `“${name.slice(0, 250)}” cannot name a model`, { cure: 'Use letters, digits, dots, underscores and dashes, at most 200, starting with a letter or digit.' });
}

/** @throws ContractError `invalid_request` */
export function checkAliasName(alias: string): string {
  if (ALIAS.test(alias)) return alias;
  throw new ContractError('invalid_request', `“${alias.slice(0, 150)}” cannot be an alias`, { cure: 'Use letters, digits, dots, underscores and dashes, at most 100, starting with a letter.' });
}

/**
 * A version as it is stored; on the wire versions are strings.
 *
 * @throws ContractError `unknown_version` for what can be no version at all
 */
export function versionNumber(model: string, version: string): number {
  if (VERSION.test(version)) return Number(version);
  throw unknownVersion(model, version);
}

export const unknownVersion = (model: string, version: string | number): ContractError => new ContractError('unknown_version', `model “${model}” has no version “${version}”`);
export const unknownModel = (model: string): ContractError => new ContractError('not_found', `there is no model “${model}”`, { cure: 'Upload a version first: POST /registry/v1/models/{name}/versions.' });
