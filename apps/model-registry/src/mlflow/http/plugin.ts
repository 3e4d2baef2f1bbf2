import type { Readable } from 'node:stream';
import { ContractError } from '@throughline/contracts';
import type { Principal } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { toFailure } from './errors.js';
import { toFiles, type MlflowArtifacts } from './artifacts.js';
import { Params } from './params.js';
import type { Route } from './route.js';

export interface MlflowPluginUse {
  readonly routes: readonly Route[];
  readonly artifacts: MlflowArtifacts;
  readonly logger: Logger;
}

const NOBODY: Principal = { name: 'anonymous', roles: [] };

/**
 * MLflow's REST API under `/api/2.0`, apart from Nest: its requests are read and its errors worded as MLflow's clients expect, which is not how
 * the rest of the service does it. Who may call what is decided by the same guard as everywhere.
 */
export function mlflowPlugin({ routes, artifacts, logger }: MlflowPluginUse): (fastify: FastifyInstance) => Promise<void> {
  const fail = (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const { status, body, error } = toFailure(thrown);
    const line = { status, code: error.code, method: request.method, route: request.routeOptions.url };
    if (status >= 500 && status !== 503) logger.error({ ...line, err: error.cause ?? error }, error.message);
    else logger.debug(line, error.message);
    if (error.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer');
    void reply.code(status).type('application/json').send(JSON.stringify(body));
  };
  return async (fastify) => {
    fastify.setErrorHandler((error, request, reply) => fail(error, request, reply));
    await fastify.register(async (api) => {
      readJson(api);
      for (const { method, path, answer } of routes) {
        api.route({ method, url: `/mlflow/${path}`, handler: async (request, reply) => {
          const params = new Params({ ...(request.query as object), ...objectOf(request.body), ...(request.params as object) });
          const body = await answer({ params, caller: request.principal ?? NOBODY });
          return reply.type('application/json').send(JSON.stringify(body));
        } });
      }
    });
    await fastify.register(async (api) => artifactRoutes(api, artifacts));
  };
}

const unknownRoute = async ({ method, url }: FastifyRequest): Promise<never> => {
  throw new ContractError('not_found', `MLflow's API has no ${method} ${url.split('?', 1)[0]?.slice(0, 200)} here`, { cure: 'docs/registry.md says what is served.' });
};

/** Whatever it is called: clients and curl send JSON under several names. */
function readJson(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, text === '' ? undefined : JSON.parse(text as string));
    } catch (cause) {
      done(new ContractError('invalid_request', `the body is not JSON: ${(cause as Error).message.slice(0, 200)}`, { cause, cure: 'Send a JSON object.' }));
    }
  });
}

function objectOf(body: unknown): object {
  if (body === undefined || body === null) return {};
  if (typeof body === 'object' && !Array.isArray(body)) return body;
  throw new ContractError('invalid_request', 'the body must be a JSON object', { cure: 'Send a JSON object.' });
}

/** Bodies of files are streams, whatever their type says. */
function artifactRoutes(fastify: FastifyInstance, artifacts: MlflowArtifacts): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  // Here, where no body is read.
  for (const unknown of ['/mlflow/*', '/mlflow-artifacts/*']) fastify.all(unknown, unknownRoute);
  const url = '/mlflow-artifacts/artifacts/*';
  const pathOf = (request: FastifyRequest): string => (request.params as { '*': string })['*'];
  const list = async (request: FastifyRequest): Promise<object> => ({ files: toFiles(await artifacts.list(new Params(request.query).text('path') ?? '')) });

  fastify.get('/mlflow-artifacts/artifacts', list);
  fastify.get(url, async (request, reply) => {
    const { stream, sizeBytes } = await artifacts.read(pathOf(request));
    return reply.type('application/octet-stream').header('content-length', sizeBytes).header('x-content-type-options', 'nosniff').send(stream);
  });
  fastify.put(url, async (request, reply) => {
    try {
      await artifacts.write(pathOf(request), (request.body as Readable | undefined) ?? request.raw);
    } catch (error) {
      // What is still under way must be read, or the client never reads the answer.
      request.raw.resume();
      throw error;
    }
    return reply.send({});
  });
  fastify.delete(url, async (request, reply) => {
    request.raw.resume();
    await artifacts.remove(pathOf(request));
    return reply.send({});
  });
}
