import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Logger } from '@throughline/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { fromFramework } from './http-errors.js';
import { problem, PROBLEM_CONTENT_TYPE, problemHeaders } from './problem.js';

/** Answers every error over HTTP, the framework's own included, as problem+json. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendProblem(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>(), this.logger);
  }
}

export function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  const error = fromFramework(thrown);
  const body = problem(error, pathOf(request.url), request.id);
  const line = { code: error.code, status: body.status, method: request.method, path: body.instance, requestId: request.id };
  if (body.status >= 500 && error.code !== 'overloaded' && error.code !== 'model_not_ready') logger.error({ ...line, err: error.cause ?? error }, error.message);
  else logger.debug(line, error.message);
  if (reply.sent) return;
  void reply.code(body.status).headers(problemHeaders(error)).type(PROBLEM_CONTENT_TYPE).send(body);
}

/** Query strings may hold what must not be repeated. */
const pathOf = (url: string): string => url.split('?', 1)[0] ?? url;
