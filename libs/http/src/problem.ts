import { ContractError, ERRORS, toContractError, type ErrorCode } from '@throughline/contracts';
import { UnauthenticatedError } from './auth/unauthenticated.js';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** The only place where codes meet HTTP statuses. */
const STATUS: Readonly<Record<ErrorCode, number>> = {
  undecodable: 400,
  schema_invalid: 400,
  unknown_model: 404,
  unknown_version: 404,
  feature_missing: 422,
  wrong_type: 400,
  wrong_shape: 400,
  unknown_input: 400,
  value_forbidden: 400,
  deadline_exceeded: 504,
  overloaded: 503,
  model_not_ready: 503,
  model_failed: 422,
  circuit_open: 503,
  rules_invalid: 422,
  message_too_large: 413,
  artifact_not_onnx: 422,
  artifact_external_data: 422,
  artifact_non_tensor_output: 422,
  artifact_too_large: 413,
  artifact_load_failed: 422,
  artifact_timeout: 422,
  artifact_hash_mismatch: 500,
  artifact_signature_invalid: 422,
  artifact_golden_mismatch: 422,
  lineage_incomplete: 409,
  signature_differs: 409,
  rollout_running: 409,
  approval_required: 403,
  archived: 409,
  in_use: 409,
  unauthenticated: 401,
  forbidden: 403,
  rate_limited: 429,
  outcome_in_future: 422, outcome_wrong_type: 422,
  not_found: 404,
  already_exists: 409,
  conflict: 409,
  invalid_request: 400,
  not_configured: 409,
  query_too_slow: 422,
  insufficient_data: 422,
  unavailable: 503,
  poison: 500,
  internal: 500,
};

const RETRY_AFTER_SECONDS = 1;

/** RFC 9457, with two members of our own: the code to branch on and what to do about it. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  /** What is wrong and where. */
  readonly detail: string;
  readonly cure: string;
  /** Path of the request. */
  readonly instance?: string;
  readonly requestId?: string;
}

/** An error the HTTP layer itself found; carries the status that says so. */
export class HttpError extends ContractError {
  constructor(readonly status: number, reason: string, options?: { cure?: string; code?: ErrorCode }) {
    super(options?.code ?? 'invalid_request', reason, options?.cure === undefined ? undefined : { cure: options.cure });
  }
}

export const statusOf = (error: ContractError): number => (error instanceof HttpError ? error.status : STATUS[error.code]);

/** Headers that go with an error: clients that may try again are told when, those nobody knows how to say who they are. */
export function problemHeaders(error: ContractError): Record<string, string> {
  if (error instanceof UnauthenticatedError) return { 'www-authenticate': error.challenge };
  return statusOf(error) === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {};
}

/**
 * Any thrown value as a problem. The reason of a defect (`internal`) stays in the log: it may quote statements, paths or values.
 */
export function problem(thrown: unknown, instance?: string, requestId?: string): Problem {
  const error = toContractError(thrown);
  return {
    type: `urn:throughline:error:${error.code}`,
    title: ERRORS[error.code].title,
    status: statusOf(error),
    code: error.code,
    detail: error.code === 'internal' ? 'Unexpected failure; the log has the reason under this request id.' : error.message,
    cure: error.cure,
    ...(instance === undefined ? {} : { instance }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}
