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

/** Node's own codes (`EPIPE`) have no digit. */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/;
/** Of these, statements that are wrong in themselves, PostgreSQL quotes the statement's own names, and no values. */
const QUOTES_NAMES_ONLY = /^42/;
const VALUES = ['detail', 'where', 'hint', 'internalQuery', 'parameters'] as const;

/**
 * Takes out what PostgreSQL quotes of the values of a statement that it refused ("invalid input syntax for type integer: …", "Key (…)=(…) already
 * exists"): its errors end in logs, and in headers of dead letters. Code, table, column and constraint stay.
 */
function forgetValues(thrown: unknown): void {
  for (let error = thrown, depth = 0; error instanceof Error && depth < CAUSES_MAX; depth += 1) {
    const refused = error as Error & DatabaseError;
    const { code = refused.driverError?.code, table = refused.driverError?.table, column = refused.driverError?.column, constraint = refused.driverError?.constraint } = refused;
    if (typeof code === 'string' && SQLSTATE.test(code) && !QUOTES_NAMES_ONLY.test(code) && !NOT_THE_STATEMENT.test(code)) {
      const named = Object.entries({ table, column, constraint }).flatMap(([what, name]) => (name === undefined ? [] : [`, ${what} ${name}`]));
      const told = `PostgreSQL refused the statement: ${code}${named.join('')}`;
      const { message, stack } = refused;
      refused.message = told;
      if (stack !== undefined) refused.stack = stack.replace(message, () => told);
      for (const name of VALUES) if (name in refused) refused[name] = undefined;
    }
    error = refused.driverError ?? refused.cause;
  }
}
const CAUSES_MAX = 5;

interface DatabaseError {
  code?: string;
  table?: string;
  column?: string;
  constraint?: string;
  detail?: unknown;
  where?: unknown;
  hint?: unknown;
  internalQuery?: unknown;
  parameters?: unknown;
  driverError?: Error & DatabaseError;
}

/** The error, without values that it quotes, as `unavailable` when the database is the reason, else the error itself. */
export function mapDatabaseError(thrown: unknown): unknown {
  if (thrown instanceof ContractError) return thrown;
  forgetValues(thrown);
  if (!isUnavailable(thrown)) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new ContractError('unavailable', `PostgreSQL: ${reason || 'connection refused'}`, { cause: thrown });
}
