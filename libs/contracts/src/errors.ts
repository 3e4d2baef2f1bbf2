/**
 * The closed list of what can go wrong. Retry, dead letter and rejection read only this table; HTTP statuses live at the
 * HTTP edge. `retriable` means: the same input may succeed later without anyone changing it.
 */
export const ERRORS = {
  undecodable: { retriable: false, title: 'The message is not JSON', cure: 'Send UTF-8 JSON, bare or as CloudEvents 1.0 (binary or structured).' },
  schema_invalid: { retriable: false, title: 'The message does not match its schema', cure: 'Compare the message with /asyncapi.json; the reason names the field.' },
  unknown_model: { retriable: false, title: 'No such model is deployed', cure: 'List what is deployed with `throughline models list`, or set a champion with `throughline models promote`.' },
  unknown_version: { retriable: false, title: 'No such version of the model', cure: 'List the versions with `throughline models list`.' },
  feature_missing: { retriable: false, title: 'A feature has no value and no default', cure: 'Send the feature, publish it to the feature store, or declare a default.' },
  wrong_type: { retriable: false, title: 'A value has the wrong type', cure: 'Send the type that the model signature names.' },
  wrong_shape: { retriable: false, title: 'A tensor has the wrong shape', cure: 'Send the shape that the model signature names.' },
  unknown_input: { retriable: false, title: 'The model has no such input', cure: 'Name the tensors as the model’s inputs, or as its features; GET /v2/models/{model} lists both.' },
  value_forbidden: { retriable: false, title: 'A value is not allowed here', cure: 'NaN and infinities are accepted only where the signature allows them.' },
  deadline_exceeded: { retriable: false, title: 'The deadline has passed', cure: 'Raise deadlineMs, or add workers.' },
  overloaded: { retriable: true, title: 'The queue is full', cure: 'Try again after the stated time, or add workers.' },
  model_not_ready: { retriable: true, title: 'The model is not warm yet', cure: 'Wait until /v2/health/ready answers 200.' },
  model_failed: { retriable: false, title: 'The model failed on this input', cure: 'Score the same input by hand; the reason carries the runtime\'s message.' },
  circuit_open: { retriable: true, title: 'The version keeps failing and is not asked for now', cure: 'Look at its errors in /metrics and the log, declare a fallback, or roll it back.' },
  rules_invalid: { retriable: false, title: 'The rules document cannot be used', cure: 'Correct the expression that the reason names; docs/serving.md has examples.' },
  message_too_large: { retriable: false, title: 'The message is larger than it may be', cure: 'Send less at once; the reason names the limit.' },
  artifact_not_onnx: { retriable: false, title: 'The artifact is not an ONNX model', cure: 'Upload the bytes of an .onnx file.' },
  artifact_external_data: { retriable: false, title: 'The artifact refers to external data', cure: 'Save the model with all tensors inside one file.' },
  artifact_non_tensor_output: { retriable: false, title: 'An output of the model is not a tensor', cure: 'Export without ZipMap: options={"zipmap": False} in skl2onnx.' },
  artifact_too_large: { retriable: false, title: 'The artifact is too large', cure: 'Raise the limit in the registry, or shrink the model.' },
  artifact_load_failed: { retriable: false, title: 'ONNX Runtime cannot load the artifact', cure: 'Check its opset and operators with the version of ONNX Runtime in use.' },
  artifact_timeout: { retriable: false, title: 'Inspecting the artifact took too long', cure: 'Simplify the model or raise the limit.' },
  artifact_hash_mismatch: { retriable: true, title: 'The artifact does not have the promised hash', cure: 'Upload it again; the stored bytes are damaged.' },
  artifact_signature_invalid: { retriable: false, title: 'The artifact is not signed by a trusted key', cure: 'Sign the file with the private key that belongs to the configured public key: openssl pkeyutl -sign -rawin.' },
  artifact_golden_mismatch: { retriable: false, title: 'The version does not answer its golden inputs as promised', cure: 'Export the model again, or correct the expected outputs or their tolerance.' },
  lineage_incomplete: { retriable: false, title: 'The version does not say what made it', cure: 'Upload it with dataset, codeCommit and metrics, or record an override by name: POST …/versions/{version}/overrides.' },
  signature_differs: { retriable: false, title: 'The candidate has another signature than the champion', cure: 'Say allowSignatureChange if every producer is ready for it.' },
  rollout_running: { retriable: false, title: 'A rollout of this model is running', cure: 'Wait for its end, or abort it: POST …/rollouts/{id}/abort.' },
  approval_required: { retriable: false, title: 'This needs an approval', cure: 'Let somebody with the role approver do it.' },
  archived: { retriable: false, title: 'The version is archived', cure: 'Upload it again, or choose another version.' },
  in_use: { retriable: false, title: 'Something still serves it', cure: 'Take it out of the deployment first; the reason names where it is.' },
  unauthenticated: { retriable: false, title: 'Nobody is known by these credentials', cure: 'Send an API key or a token as “authorization: Bearer …”.' },
  forbidden: { retriable: false, title: 'The role does not allow this', cure: 'Ask an admin for the role that the reason names.' },
  rate_limited: { retriable: true, title: 'Too many requests', cure: 'Try again after the stated time.' },
  outcome_wrong_type: { retriable: false, title: 'The outcome has a value of the wrong type', cure: 'Send the type of outcome that the model declares.' },
  outcome_in_future: { retriable: false, title: 'The outcome says that it is not true yet', cure: 'Send it when it has become true; check the sender’s clock and the zone of occurredAt.' },
  not_found: { retriable: false, title: 'There is nothing under this name', cure: 'Check the name.' },
  already_exists: { retriable: false, title: 'The name is taken', cure: 'Choose another name.' },
  conflict: { retriable: false, title: 'Somebody else changed it first', cure: 'Read the current state and try again.' },
  invalid_request: { retriable: false, title: 'The request is not valid', cure: 'Compare it with /openapi.json; the reason names the field.' },
  not_configured: { retriable: false, title: 'A setting that this needs is not set', cure: 'Set what the reason names and start the service again.' },
  query_too_slow: { retriable: false, title: 'The question takes too long to answer', cure: 'Narrow it: name a model and a shorter period first.' },
  insufficient_data: { retriable: false, title: 'There is not enough data', cure: 'Wait for more outcomes, or widen the window.' },
  unavailable: { retriable: true, title: 'Something this needs is not reachable', cure: 'Check the service or broker that the reason names.' },
  poison: { retriable: false, title: 'Handling the message fails every time', cure: 'Mend the cause, then send it back: `throughline dead-letters list`, `throughline dead-letters replay`.' },
  internal: { retriable: false, title: 'A defect in Throughline', cure: 'Report it with the log lines around this time.' },
} as const satisfies Record<string, { retriable: boolean; title: string; cure: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** An error from the closed list. `message` is the reason: what is wrong and where, for a person to read. */
export class ContractError extends Error {
  override readonly name = 'ContractError';

  constructor(
    readonly code: ErrorCode,
    reason: string,
    options?: ErrorOptions & { cure?: string },
  ) {
    super(reason, options);
    this.cure = options?.cure ?? ERRORS[code].cure;
  }

  readonly cure: string;

  get retriable(): boolean {
    return ERRORS[this.code].retriable;
  }
}

/** Any thrown value as an error of the closed list; what is not on it is `internal`. */
export function toContractError(thrown: unknown): ContractError {
  if (thrown instanceof ContractError) return thrown;
  return new ContractError('internal', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}
