import { ContractError } from '@throughline/contracts';

const NETWORK_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
/**
 * SQLSTATE classes and codes that say nothing about the statement: connection (08), resources (53), shutdown and start (57P), read-only
 * after a failover (25006), serialization failure and deadlock (40001, 40P01), lock not available (55P03).
 */
const TRANSIENT_SQLSTATE = /^(08...|53...|57P..|25006|40001|40P01|55P03)$/;
/** What pg says without any code. */
const LOST_CONNECTION =
  /connection terminated|connection ended|not queryable|timeout exceeded when trying to connect|client was closed|driver not connected|query runner (was )?already released|connection is not established|cannot use a pool after calling end/i;

/** Whether the database, not the statement, is the reason: the same work may succeed later. */
export function isUnavailable(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const { code, driverError, cause } = thrown as Error & { code?: unknown; driverError?: unknown };
  if (typeof code === 'string' && (NETWORK_CODES.has(code) || TRANSIENT_SQLSTATE.test(code))) return true;
  if (LOST_CONNECTION.test(thrown.message)) return true;
  if (thrown instanceof AggregateError && thrown.errors.some(isUnavailable)) return true;
  return isUnavailable(driverError) || isUnavailable(cause);
}

/** The error as `unavailable` when the database is the reason, else the error itself. */
export function mapDatabaseError(thrown: unknown): unknown {
  if (thrown instanceof ContractError || !isUnavailable(thrown)) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new ContractError('unavailable', `PostgreSQL: ${reason || 'connection refused'}`, { cause: thrown });
}
