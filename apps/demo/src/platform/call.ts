import { ContractError, ERRORS, type ErrorCode } from '@throughline/contracts';
import { bearer } from '@throughline/settings';

const TIMEOUT_MS = 60_000;

/**
 * Calls the platform. Its problems become errors of the closed list again.
 *
 * @throws ContractError `unavailable` when it cannot be reached; else the code of the problem
 */
export async function call(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await request(url, init);
  if (response.ok) return response;
  const { code, detail, cure } = (await response.json().catch(() => ({}))) as { code?: string; detail?: string; cure?: string };
  const known: ErrorCode = code !== undefined && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : response.status === 404 ? 'not_found' : 'unavailable';
  throw new ContractError(known, `${init.method ?? 'GET'} ${url} answered ${response.status}: ${detail ?? response.statusText}`, cure === undefined ? {} : { cure });
}

/** The answer's JSON; what it holds is the caller's claim. */
export async function callJson<T>(url: string, init: RequestInit = {}): Promise<T> {
  return (await (await call(url, init)).json()) as T;
}

export const jsonBody = (method: string, body: unknown): RequestInit => ({ method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

/** `undefined` instead of `not_found`. */
export async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ContractError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** Any answer. @throws ContractError `unavailable` when there is none */
export async function request(url: string, init: RequestInit = {}): Promise<Response> {
  try {
    const headers = { ...(init.headers as Record<string, string> | undefined), ...bearer(process.env['THROUGHLINE_API_KEY']) };
    return await fetch(url, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (cause) {
    const { message, cause: inner } = cause as Error & { cause?: Error };
    throw new ContractError('unavailable', `${url} does not answer: ${inner?.message || message}`, { cause });
  }
}
