import { ContractError, toContractError } from '@throughline/contracts';

const WORLD_IS_DOWN = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);
const CAUSES_MAX = 5;

/**
 * What a handler threw, as an error of the closed list. A network failure that nobody mapped is `unavailable`: to call it poison would
 * send good messages to the dead letters because a neighbour was restarting.
 */
export function classify(thrown: unknown): ContractError {
  if (thrown instanceof ContractError) return thrown;
  let cause: unknown = thrown;
  for (let depth = 0; depth < CAUSES_MAX && cause instanceof Error; depth += 1) {
    if (cause instanceof ContractError) return cause;
    const { code } = cause as Error & { code?: unknown };
    if (typeof code === 'string' && WORLD_IS_DOWN.has(code)) return new ContractError('unavailable', cause.message || code, { cause: thrown });
    cause = cause.cause;
  }
  return toContractError(thrown);
}
