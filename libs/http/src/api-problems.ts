import { ApiExtension } from '@nestjs/swagger';
import { ContractError, ERRORS, type ErrorCode } from '@throughline/contracts';
import { problem, PROBLEM_CONTENT_TYPE, statusOf, type Problem } from './problem.js';

const EXTENSION = 'x-problems';

/**
 * Declares with which codes of the closed list an operation may end, for /openapi.json. What any operation may answer (400 for a bad
 * address, 401, 403, 429, 431, 500, 503), what comes of a path with a parameter (404, 414) and of a body (400, 413, 415) is understood.
 */
export const Problems = (...codes: ErrorCode[]): MethodDecorator & ClassDecorator => ApiExtension(EXTENSION, codes as never);

/** How errors look below a prefix, where that is not problem+json. */
export interface ErrorForm {
  readonly prefix: string;
  readonly contentType: string;
  /** JSON schema of what `of` gives. */
  readonly schema: object;
  readonly of: (problem: Problem) => unknown;
}

interface Operation {
  parameters?: readonly { in?: string }[];
  requestBody?: unknown;
  responses: Record<string, unknown>;
  [EXTENSION]?: ErrorCode[];
}

const ALWAYS: readonly ErrorCode[] = ['invalid_request', 'unauthenticated', 'forbidden', 'rate_limited', 'unavailable', 'internal'];
const WITH_BODY: readonly ErrorCode[] = ['message_too_large'];
const RETRY_AFTER = { description: 'seconds', schema: { type: 'integer' } };
const NAMES: Readonly<Record<number, string>> = {
  400: 'The request is not valid', 401: 'Nobody is known by these credentials', 403: 'Not allowed', 404: 'There is nothing of this name', 409: 'It stands against the current state',
  413: 'Too large', 414: 'The address is too long', 415: 'A body of this content type is not read here', 422: 'Understood, and impossible', 429: 'Too many requests', 431: 'Address or headers are too long', 500: 'A defect', 503: 'Not now', 504: 'Not in time',
};

/** Adds the answers of an operation that are errors; what it documents itself under the same status stays. */
export function documentProblems(path: string, operation: Operation, forms: readonly ErrorForm[]): void {
  const form = forms.find(({ prefix }) => path.startsWith(prefix));
  const codes = new Set([...(operation[EXTENSION] ?? []), ...understood(operation)]);
  delete operation[EXTENSION];
  const answers = new Map([...Map.groupBy(codes, (code) => statusOf(new ContractError(code, ''))), ...understoodStatuses(operation)]);
  // What never became a request of any route has no form of a route.
  for (const [status, ofStatus] of answers) operation.responses[status] ??= answer(ofStatus.map((code) => ({ ...exampleOf(code, path), status })), status === 431 ? undefined : form);
}

function understood(operation: Operation): readonly ErrorCode[] {
  return [...(hasPathParameter(operation) ? (['not_found'] as const) : []), ...(operation.requestBody === undefined ? [] : WITH_BODY), ...ALWAYS];
}

/** Statuses of HTTP itself, which have no code of their own. */
function understoodStatuses(operation: Operation): [number, ErrorCode[]][] {
  const statuses = [431, ...(hasPathParameter(operation) ? [414] : []), ...(operation.requestBody === undefined ? [] : [415])];
  return statuses.map((status) => [status, ['invalid_request']]);
}

const hasPathParameter = ({ parameters = [] }: Operation): boolean => parameters.some((parameter) => parameter.in === 'path');
const exampleOf = (code: ErrorCode, path: string): Problem => problem(new ContractError(code, ERRORS[code].title), path, '4f1c93ab7e21d08f');

function answer(problems: readonly Problem[], form: ErrorForm | undefined): object {
  const { status, title } = problems[0]!;
  const content = {
    schema: form?.schema ?? { $ref: '#/components/schemas/Problem' },
    examples: Object.fromEntries(problems.map((example) => [example.code, { value: form?.of(example) ?? example }])),
  };
  return {
    description: NAMES[status] ?? title,
    content: { [form?.contentType ?? PROBLEM_CONTENT_TYPE]: content },
    ...(status === 503 || status === 429 ? { headers: { 'retry-after': RETRY_AFTER } } : {}),
  };
}
