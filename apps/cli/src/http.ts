import { ContractError, ERRORS, type ErrorCode } from '@throughline/contracts';
import { bearer } from '@throughline/settings';

/** Who answers is there: it is not the platform that has to be started. */
const BEHIND_IT = 'The service answers, and what the reason names does not: see that it runs and has room, and THROUGHLINE_HOME/logs. Then ask again.';

/**
 * Asks a service and reads its JSON.
 *
 * @throws ContractError with the code, reason and cure of the service's problem; `unavailable` when nobody answers
 */
export async function ask<T>(url: string, init?: RequestInit): Promise<T> {
  return (await (await reach(url, init)).json().catch(() => undefined)) as T;
}

/** Asks a service; its answer, unread, when it is no problem. @throws ContractError as `ask` does */
export async function reach(url: string, init?: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    const headers = { ...(init?.headers as Record<string, string> | undefined), ...bearer(process.env['THROUGHLINE_API_KEY']) };
    answer = await fetch(url, { ...init, headers });
  } catch (error) {
    const { cause } = error as { cause?: Error };
    throw new ContractError('unavailable', `${new URL(url).origin} does not answer (${cause?.message ?? (error as Error).message})`, {
      cure: 'Is the platform running? `npm start` starts it; PLATFORM_URL points at another one.', cause: error,
    });
  }
  if (answer.ok) return answer;
  const body: unknown = await answer.json().catch(() => undefined);
  const { code, detail, cure } = (body ?? {}) as { code?: string; detail?: string; cure?: string };
  const known = code !== undefined && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'internal';
  throw new ContractError(known, detail ?? `${url} answered ${answer.status}`, cure === undefined ? undefined : { cure: known === 'unavailable' && cure === ERRORS.unavailable.cure ? BEHIND_IT : cure });
}

export const jsonBody = (method: 'POST' | 'PUT', body: unknown): RequestInit => ({ method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
