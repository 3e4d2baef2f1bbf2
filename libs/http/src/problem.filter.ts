import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { ContractError, ErrorCode } from '@throughline/contracts';
import type { Logger } from '@throughline/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorForm } from './api-problems.js';
import { fromFramework } from './http-errors.js';
import { problem, PROBLEM_CONTENT_TYPE, problemHeaders } from './problem.js';

const WARN_EVERY_MS = 10_000;
/** Not now, or not in time: said so often under load that a line each would be a load of its own. */
const REFUSALS: ReadonlySet<number> = new Set([503, 504]);

/** Writes down what was answered with an error: defects each, refusals at `debug` and as one `warn` line a code and 10 s. */
export class ProblemLog {
  private readonly refusals = new Map<ErrorCode, { count: number; warnedAtMs: number }>();

  /** @param nowMs of a clock that only goes forward */
  constructor(private readonly logger: Logger, private readonly nowMs: () => number = () => performance.now()) {}

  write(error: ContractError, line: { readonly status: number } & Readonly<Record<string, unknown>>): void {
    if (line.status >= 500 && !REFUSALS.has(line.status)) return this.logger.error({ ...line, err: error.cause ?? error }, error.message);
    this.logger.debug(line, error.message);
    if (REFUSALS.has(line.status)) this.count(error);
  }

  /** Without a timer: what comes within the interval is told by the first that comes after it. */
  private count({ code, message, cause }: ContractError): void {
    const nowMs = this.nowMs();
    const seen = this.refusals.get(code);
    const count = (seen?.count ?? 0) + 1;
    if (seen !== undefined && nowMs - seen.warnedAtMs < WARN_EVERY_MS) {
      seen.count = count;
      return;
    }
    this.refusals.set(code, { count: 0, warnedAtMs: nowMs });
    this.logger.warn({ code, count, ...(cause === undefined ? {} : { err: cause }) }, `requests were refused, the last one because: ${message}`);
  }
}

/** Answers every error over HTTP, the framework's own included, as problem+json. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: ProblemLog) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendProblem(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>(), this.log);
  }
}

/** @param forms of prefixes where errors are no problem+json */
export function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply, log: ProblemLog, forms: readonly ErrorForm[] = []): void {
  const error = fromFramework(thrown);
  const body = problem(error, pathOf(request.url), request.id);
  log.write(error, { code: error.code, status: body.status, method: request.method, path: body.instance, requestId: request.id });
  if (reply.sent) return;
  const form = forms.find(({ prefix }) => request.url.startsWith(prefix));
  void reply.code(body.status).headers(problemHeaders(error)).type(form?.contentType ?? PROBLEM_CONTENT_TYPE).send(form?.of(body) ?? body);
}

/** Query strings may hold what must not be repeated. */
const pathOf = (url: string): string => url.split('?', 1)[0] ?? url;
