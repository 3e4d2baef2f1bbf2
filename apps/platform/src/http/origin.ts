import httpProxy from '@fastify/http-proxy';
import { asyncApiDocument, ContractError } from '@throughline/contracts';
import {
  addSecurityHeaders, answerClientError, fromFramework, guardRequests, needByRoute, problem, PROBLEM_CONTENT_TYPE, problemHeaders, statusOf, type Authenticator, type NeedOf,
} from '@throughline/http';
import { renderMetrics } from '@throughline/telemetry';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { mergeMetrics } from '../domain/merge-metrics.js';
import { mergeOpenApi, type NamedDocument } from '../domain/merge-openapi.js';
import { ROUTES, type ServicePlan } from '../domain/plan.js';
import type { Member } from '../supervisor/fleet.js';
import { addressOf, getText } from '../supervisor/readiness.js';

export interface OriginOptions {
  /** Uploads of large models take their time. */
  readonly requestTimeoutMs: number;
  readonly plans: readonly ServicePlan[];
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
  readonly members: () => Promise<Readonly<Record<string, Member>>>;
  /** Restarts of what is ours below the services, by name. */
  readonly infrastructure: () => Readonly<Record<string, { state: string; restarts: number }>>;
  readonly isStopping: () => boolean;
  /** `undefined`: nobody must say who they are. */
  readonly authenticator?: Authenticator | undefined;
  /** With which services are asked what they know. */
  readonly serviceKey?: string | undefined;
}

const CONNECTIONS_PER_SERVICE = 128;

/** The one origin: every service's public paths, and what is told of the platform as a whole. */
export async function createOrigin(options: OriginOptions): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    requestTimeout: options.requestTimeoutMs,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply),
  });
  addSecurityHeaders(app);
  guardRequests(app, options.authenticator, needAtOrigin());
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(new ContractError('not_found', `there is nothing at ${pathOf(request)}`, { cure: 'Compare the address with /openapi.json.' }), request, reply),
  );
  tellOfTheWhole(app, options);
  for (const plan of firstOfEach(options.plans)) await proxy(app, plan, options.requestTimeoutMs);
  return app;
}

const OWN_ROUTES = new Set(['/health/live', '/health/ready', '/metrics', '/asyncapi.json', '/openapi.json']);

/** For what is handed on one must be known; what one may do there the service decides. */
function needAtOrigin(): NeedOf {
  const needOfOwn = needByRoute();
  return (request) => (OWN_ROUTES.has(request.routeOptions.url ?? '') ? needOfOwn(request) : 'viewer');
}

/** Requests go to a service's first process; further workers share its consumer group. */
const firstOfEach = (plans: readonly ServicePlan[]): ServicePlan[] => plans.filter(({ name, service }) => name === service);

async function proxy(app: FastifyInstance, plan: ServicePlan, timeoutMs: number): Promise<void> {
  for (const prefix of ROUTES[plan.service]) {
    await app.register(httpProxy, {
      upstream: addressOf(plan),
      prefix,
      rewritePrefix: prefix,
      undici: { connections: CONNECTIONS_PER_SERVICE, headersTimeout: timeoutMs, bodyTimeout: timeoutMs },
      replyOptions: {
        onError: (reply) => {
          const error = new ContractError('unavailable', `${plan.name} does not answer`, {
            cure: 'It is being started again; /health/ready says how far that is. Try again in a moment.',
          });
          sendProblem(error, reply.request as FastifyRequest, reply as unknown as FastifyReply);
        },
      },
    });
  }
}

function tellOfTheWhole(app: FastifyInstance, { plans, brokers, topicPrefix, members, infrastructure, isStopping, serviceKey }: OriginOptions): void {
  const asyncApi = asyncApiDocument({ brokers, topicPrefix });
  const documents = new Map<string, NamedDocument>();

  app.get('/health/live', async () => ({ status: 'ok' }));
  app.get('/health/ready', async (request, reply) => {
    const services = await members();
    const ok = !isStopping() && Object.values(services).every(({ ready }) => ready);
    const status = isStopping() ? 'shutting_down' : ok ? 'ok' : 'error';
    return reply.code(ok ? 200 : 503).send(request.principal === null ? { status } : { status, services, infrastructure: infrastructure() });
  });
  app.get('/metrics', async (_request, reply) => {
    const answers = await Promise.allSettled(plans.map(async (plan) => ({ service: plan.name, text: await getText(`${addressOf(plan)}/metrics`, serviceKey) })));
    const texts = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(mergeMetrics([{ service: 'platform', text: await renderMetrics() }, ...texts]));
  });
  app.get('/asyncapi.json', async () => asyncApi);
  app.get('/openapi.json', async () => {
    // A service's document does not change while it is the same build, so one that is down for a moment is not missed.
    for (const plan of firstOfEach(plans)) {
      if (!documents.has(plan.name)) documents.set(plan.name, await openApiOf(plan, serviceKey));
    }
    const info = {
      title: 'Throughline',
      version: '1',
      description: 'Everything behind the one origin. Errors are application/problem+json.',
      license: { name: 'Apache-2.0' },
    };
    return mergeOpenApi(
      info,
      firstOfEach(plans).flatMap(({ name }) => documents.get(name) ?? []),
    );
  });
}

async function openApiOf(plan: ServicePlan, serviceKey: string | undefined): Promise<NamedDocument> {
  try {
    return { service: plan.service, document: JSON.parse(await getText(`${addressOf(plan)}/openapi.json`, serviceKey)) as NamedDocument['document'] };
  } catch (error) {
    throw new ContractError('unavailable', `${plan.name} does not describe itself`, { cause: error });
  }
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? request.url;

const MLFLOW = /^\/api\/2\.0\//;
/** In MLflow's words, what the origin itself may find. */
const MLFLOW_CODES: Readonly<Record<string, string>> = { unauthenticated: 'UNAUTHENTICATED', forbidden: 'PERMISSION_DENIED', unavailable: 'TEMPORARILY_UNAVAILABLE', invalid_request: 'INVALID_PARAMETER_VALUE' };

/** Clients of the Open Inference Protocol look for `error`, MLflow's for `error_code`; a problem may have members of its own. */
function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = fromFramework(thrown);
  const body = problem(error, pathOf(request), request.id);
  void reply
    .code(statusOf(error))
    .headers(problemHeaders(error))
    // Below /v2 there is no other type.
    .type(body.instance?.startsWith('/v2') === true ? 'application/json' : PROBLEM_CONTENT_TYPE)
    .send({ ...body, error: body.detail, ...(MLFLOW.test(body.instance ?? '') && { error_code: MLFLOW_CODES[body.code] ?? 'INTERNAL_ERROR', message: `${body.detail}. ${body.cure}` }) });
}
