import { ContractError, ERRORS, type ErrorCode } from '@throughline/contracts';
import { bearer } from '@throughline/settings';

/** How long another service may take to start answering. */
const TIMEOUT_MS = 120_000;

/** Another service, and the key with which this one names itself to it. */
export interface Peer {
  readonly url: string;
  readonly serviceKey?: string | undefined;
}

/**
 * Calls another service. Its problems become errors of the closed list again.
 *
 * @throws ContractError `unavailable` when it cannot be reached or fails by itself; else the code of its problem
 */
export async function callService(service: string, peer: Peer, path: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
  const headers = { ...(init.headers as Record<string, string> | undefined), ...bearer(peer.serviceKey) };
  const response = await reach(service, `${peer.url}${path}`, { ...init, headers, signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) }, signal);
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { code?: string; detail?: string; cure?: string };
  const detail = `${service}: ${problem.detail ?? `status ${response.status}`}`;
  if (isErrorCode(problem.code)) throw new ContractError(problem.code === 'internal' ? 'unavailable' : problem.code, detail, problem.cure === undefined ? {} : { cure: problem.cure });
  throw new ContractError(response.status >= 500 ? 'unavailable' : 'internal', detail);
}

async function reach(service: string, url: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    signal.throwIfAborted();
    const { message, cause: inner } = cause as Error & { cause?: Error };
    throw new ContractError('unavailable', `${service} does not answer: ${inner?.message || message}`, { cause });
  }
}

const isErrorCode = (code: string | undefined): code is ErrorCode => code !== undefined && Object.hasOwn(ERRORS, code);
