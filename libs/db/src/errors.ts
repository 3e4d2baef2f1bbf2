import { ContractError } from '@throughline/contracts';

/**
 * SQLSTATE classes and codes that say nothing about the statement: connection (08), authentication (28), a database or schema that is not there (3D,
 * 3F), a right that was taken away (42501), transaction state and its timeouts (25), rollbacks, serialization failures and deadlocks (40), resources
 * (53), object in use and locks (55), cancelled, shutdown and start (57), system errors (58), configuration (F0), internal errors and corruption
 * (XX). Whoever takes them for a defect of a message throws good messages away until somebody has mended the database.
 */
const NOT_THE_STATEMENT = /^(08|25|28|3D|3F|40|53|55|57|58|F0|XX)...$|^42501$/;
const NETWORK_CODES = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT', 'EPIPE', 'ENOTCONN', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EMFILE', 'ENFILE',
]);
/** Node's and OpenSSL's words for a connection that broke, or that was not to be trusted (an expired certificate). */
const STREAM_OR_TLS = /^ERR_(STREAM|SSL|TLS|SOCKET)_|CERT_|_CERT/;
/** What pg says without any code. */
const LOST_CONNECTION =
  /connection terminated|connection ended|not queryable|timeout exceeded when trying to connect|timeout expired|client was closed|driver not connected|query runner (was )?already released|connection is not established|cannot use a pool after calling end/i;

/** Whether the database, not the statement, is the reason: the same work may succeed later. */
export function isUnavailable(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const { code, driverError, cause } = thrown as Error & { code?: unknown; driverError?: unknown };
  if (typeof code === 'string' && (NETWORK_CODES.has(code) || NOT_THE_STATEMENT.test(code) || STREAM_OR_TLS.test(code))) return true;
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
