import { type ContractError, type ErrorCode } from '@throughline/contracts';
import { fromFramework, HttpError, statusOf } from '@throughline/http';

/** MLflow's words for our codes; each has one status in its clients. */
const WORDS: Readonly<Partial<Record<ErrorCode, MlflowCode>>> = {
  not_found: 'RESOURCE_DOES_NOT_EXIST', unknown_model: 'RESOURCE_DOES_NOT_EXIST', unknown_version: 'RESOURCE_DOES_NOT_EXIST', archived: 'RESOURCE_DOES_NOT_EXIST',
  already_exists: 'RESOURCE_ALREADY_EXISTS',
  conflict: 'RESOURCE_CONFLICT', in_use: 'RESOURCE_CONFLICT', rollout_running: 'RESOURCE_CONFLICT',
  lineage_incomplete: 'PERMISSION_DENIED', approval_required: 'PERMISSION_DENIED', forbidden: 'PERMISSION_DENIED',
  unauthenticated: 'UNAUTHENTICATED', rate_limited: 'REQUEST_LIMIT_EXCEEDED',
  unavailable: 'TEMPORARILY_UNAVAILABLE', overloaded: 'TEMPORARILY_UNAVAILABLE', internal: 'INTERNAL_ERROR',
};
const STATUS = {
  RESOURCE_DOES_NOT_EXIST: 404, RESOURCE_ALREADY_EXISTS: 400, RESOURCE_CONFLICT: 409, INVALID_PARAMETER_VALUE: 400, PERMISSION_DENIED: 403,
  UNAUTHENTICATED: 401, REQUEST_LIMIT_EXCEEDED: 429, TEMPORARILY_UNAVAILABLE: 503, INTERNAL_ERROR: 500, ENDPOINT_NOT_FOUND: 404, BAD_REQUEST: 400,
} as const;
export type MlflowCode = keyof typeof STATUS;

export interface MlflowFailure {
  readonly status: number;
  readonly body: { readonly error_code: MlflowCode; readonly message: string };
  /** For the log. */
  readonly error: ContractError;
}

/** Any thrown value as MLflow's clients expect it: reason and cure in the message. The reason of a defect stays in the log. */
export function toFailure(thrown: unknown): MlflowFailure {
  const error = fromFramework(thrown);
  const word = wordOf(error);
  const reason = word === 'INTERNAL_ERROR' ? 'Unexpected failure; the log has the reason.' : error.message;
  // What its transport found (too large, no such type) keeps the status that says so.
  const status = error instanceof HttpError && word === 'BAD_REQUEST' ? error.status : STATUS[word];
  return { status, body: { error_code: word, message: [sentence(reason), error.cure].filter((part) => part !== '').join(' ') }, error };
}

const sentence = (reason: string): string => (/[.!?]$/.test(reason) ? reason : `${reason}.`);

function wordOf(error: ContractError): MlflowCode {
  if (error instanceof HttpError) {
    const status = statusOf(error);
    if (status === 401) return 'UNAUTHENTICATED';
    if (status === 403) return 'PERMISSION_DENIED';
    if (status === 429) return 'REQUEST_LIMIT_EXCEEDED';
    return 'BAD_REQUEST';
  }
  return WORDS[error.code] ?? 'INVALID_PARAMETER_VALUE';
}
