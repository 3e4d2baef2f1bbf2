import { HttpException } from '@nestjs/common';
import { ContractError, toContractError } from '@throughline/contracts';
import { HttpError } from './problem.js';

/** What frameworks throw, in our words: Nest's exceptions and Fastify's coded errors become errors of the closed list. */
export function fromFramework(thrown: unknown): ContractError {
  if (thrown instanceof ContractError) return thrown;
  if (thrown instanceof HttpException) return fromStatus(thrown.getStatus(), messageOf(thrown), thrown);
  const { statusCode, code, message } = thrown as { statusCode?: unknown; code?: unknown; message?: unknown };
  // Fastify's own errors are coded; those of its plugins are not always, and say with a 4xx that the caller can do better.
  const isFastify = typeof statusCode === 'number' && ((typeof code === 'string' && /^FST_/.test(code)) || (statusCode >= 400 && statusCode < 500));
  return isFastify ? fromStatus(statusCode, String(message), thrown) : toContractError(thrown);
}

/** What curl -d sends without being told is a form. */
const JSON_CURE = 'Send content-type: application/json (curl -H "content-type: application/json"), or the type that /openapi.json names.';

function fromStatus(status: number, reason: string, cause: unknown): ContractError {
  if (status === 404) return new ContractError('not_found', reason, { cause, cure: 'Compare the address with /openapi.json.' });
  if (status === 413) return new HttpError(413, reason, { cure: 'Send less at once; the reason names the limit.' });
  if (status === 415) return new HttpError(415, 'a body of this content-type is not read here', { cure: JSON_CURE });
  if (status === 503) return new ContractError('unavailable', reason, { cause });
  if (status >= 500) return new ContractError('internal', reason, { cause });
  return new HttpError(status, reason);
}

function messageOf(exception: HttpException): string {
  const body = exception.getResponse();
  const message = typeof body === 'object' && body !== null && 'message' in body ? body.message : exception.message;
  return Array.isArray(message) ? message.join('; ') : String(message);
}
