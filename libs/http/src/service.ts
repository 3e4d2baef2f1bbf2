import 'reflect-metadata';
import { hostname } from 'node:os';
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CustomTransportStrategy, Server } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ContractError } from '@throughline/contracts';
import type { commonSettings, Parsed } from '@throughline/settings';
import { createLogger, newSpanId, startTelemetry, type Logger, type Telemetry } from '@throughline/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createAuthenticator, isAuthConfigured, type DoorSettings } from './auth/authenticator.js';
import { guardRequests } from './auth/guard.js';
import { answerClientError } from './client-error.js';
import { edgeHooks, edgeRoutes } from './edge-routes.js';
import { HealthRegistry, type HealthCheck } from './health.js';
import { limitRates } from './limits.js';
import { readJsonBodies } from './json-body.js';
import { isLoopback } from './loopback.js';
import { nestLogger } from './nest-logger.js';
import { MAX_PARAMETER_LENGTH, type OpenApiInfo } from './open-api.js';
import { ProblemFilter, ProblemLog, sendProblem } from './problem.filter.js';
import { addSecurityHeaders } from './security-headers.js';
import { validationPipe } from './validation.js';

/** Injects the service's pino logger. */
export const LOGGER = Symbol('throughline.logger');

const DEFAULT_BODY_LIMIT_BYTES = 1024 * 1024;
/** Long enough to upload a large model; not for ever. */
const REQUEST_TIMEOUT_SECONDS = 600;

export interface ServiceSettings {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly otlpEndpoint?: string | undefined;
  /** Largest request body; default 1 MiB. */
  readonly bodyLimitBytes?: number;
  /** Who is let in and how often; by default whoever is on this machine, as often as they like. */
  readonly doors?: DoorSettings;
}

type CommonSettings = Pick<Parsed<typeof commonSettings>, 'HOST' | 'PORT' | 'OTEL_EXPORTER_OTLP_ENDPOINT'> & DoorSettings;

/** What a service's parsed settings say of its HTTP side. @param bodyLimitBytes where the setting does not say */
export const httpSettings = (settings: CommonSettings, bodyLimitBytes?: number): ServiceSettings => ({
  host: settings.HOST,
  port: settings.PORT,
  otlpEndpoint: settings.OTEL_EXPORTER_OTLP_ENDPOINT,
  bodyLimitBytes: settings.HTTP_BODY_LIMIT_BYTES ?? bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES,
  doors: settings,
});

export interface ServiceOptions {
  readonly name: string;
  readonly settings: ServiceSettings;
  readonly module: Type | DynamicModule;
  readonly openApi: OpenApiInfo;
  /** Consumes from Kafka. Its `close` stops intake, waits for what is in flight, and may be called twice. */
  readonly strategy?: (app: NestFastifyApplication) => CustomTransportStrategy;
  /** Fastify plugins and routes that Nest does not know. */
  readonly configure?: (app: NestFastifyApplication) => void | Promise<void>;
  /** What `/health/ready` asks; providers may add more through `HealthRegistry`. */
  readonly checks?: (app: NestFastifyApplication) => Readonly<Record<string, HealthCheck>>;
  /** After intake has stopped, before connections close: finish what is under way. */
  readonly drain?: (app: NestFastifyApplication) => Promise<void>;
  /** Resolves with the reason when the process can no longer do its work and should end, non-zero. */
  readonly dead?: (app: NestFastifyApplication) => Promise<Error>;
  readonly logger?: Logger;
}

export interface RunningService {
  readonly app: NestFastifyApplication;
  /** Such as `http://127.0.0.1:3002`. */
  readonly url: string;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  /** Unready, stop consuming and listening, drain, close producer and database, flush telemetry; in this order, once. */
  close(): Promise<void>;
}

/** Starts a service in this process and leaves signals and exit codes to the caller; for tests, and for `runService`. */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { name, settings } = options;
  const logger = options.logger ?? createLogger(name);
  refuseOpenListening(settings, logger);
  const telemetry = startTelemetry({ service: name, instance: `${hostname()}-${process.pid}`, otlpEndpoint: settings.otlpEndpoint, logger });
  try {
    const app = await createApp(options, logger);
    const health = app.get(HealthRegistry);
    const strategy = await start(app, options, health, telemetry);
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => (closing ??= shutDown(app, options, strategy, health, telemetry));
    const url = await listeningUrl(app);
    logger.info({ url }, 'listening');
    return { app, url, telemetry, logger, close };
  } catch (error) {
    await telemetry.shutdown();
    throw error;
  }
}

function refuseOpenListening({ host, doors = {} }: ServiceSettings, logger: Logger): void {
  if (isLoopback(host)) return;
  if (isAuthConfigured(doors)) return logger.warn({ host }, 'listening where others can reach it; keys and tokens travel in clear unless something in front speaks TLS');
  throw new ContractError('invalid_request', `HOST is ${host}, which others can reach, and no authentication is configured`, { cure: 'Set AUTH_KEYS_FILE or AUTH_OIDC_ISSUER (docs/security.md), or listen on 127.0.0.1.' });
}

@Module({})
class ServiceRootModule {}

async function createApp(options: ServiceOptions, logger: Logger): Promise<NestFastifyApplication> {
  const problems = new ProblemLog(logger);
  const adapter = new FastifyAdapter({
    bodyLimit: options.settings.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES,
    requestTimeout: (options.settings.doors?.HTTP_REQUEST_TIMEOUT_SECONDS ?? REQUEST_TIMEOUT_SECONDS) * 1000,
    genReqId: newSpanId,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) => sendProblem(error, request, reply, problems, options.openApi.errorForms),
  });
  const module: DynamicModule = {
    module: ServiceRootModule,
    global: true,
    imports: [options.module],
    providers: [HealthRegistry, { provide: LOGGER, useValue: logger }],
    exports: [HealthRegistry, LOGGER],
  };
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger: nestLogger(logger), abortOnError: false, bodyParser: false });
  // JSON alone: Nest's parser of forms would take JSON that was sent as a form for one field with a strange name.
  readJsonBodies(app, options.settings.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES);
  adapter.getInstance().removeContentTypeParser('text/plain');
  app.useGlobalFilters(new ProblemFilter(problems));
  app.useGlobalPipes(validationPipe());
  return app;
}

async function start(app: NestFastifyApplication, options: ServiceOptions, health: HealthRegistry, telemetry: Telemetry): Promise<CustomTransportStrategy | undefined> {
  try {
    await guardDoors(app, options.settings.doors ?? {}, app.get<Logger>(LOGGER));
    edgeHooks(app, { health });
    await options.configure?.(app);
    edgeRoutes(app, { health, telemetry, openApi: options.openApi });
    for (const [name, check] of Object.entries(options.checks?.(app) ?? {})) health.add(name, check);
    const strategy = options.strategy?.(app);
    if (strategy !== undefined) app.connectMicroservice({ strategy: strategy as Server });
    await app.listen(options.settings.port, options.settings.host);
    await app.startAllMicroservices();
    health.started();
    return strategy;
  } catch (error) {
    await app.close().catch(() => undefined);
    throw error;
  }
}

/** In this order: who is not let in costs nothing more, and what is counted is counted by caller. */
async function guardDoors(app: NestFastifyApplication, doors: DoorSettings, logger: Logger): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  addSecurityHeaders(fastify);
  guardRequests(fastify, createAuthenticator(doors, logger));
  await limitRates(fastify, doors);
}

async function shutDown(app: NestFastifyApplication, options: ServiceOptions, strategy: CustomTransportStrategy | undefined, health: HealthRegistry, telemetry: Telemetry): Promise<void> {
  health.shuttingDown();
  await Promise.all([app.getHttpAdapter().close(), strategy?.close()]);
  await options.drain?.(app);
  await app.close();
  await telemetry.shutdown();
}

/** An IPv6 host needs brackets; `app.getUrl` adds them, but calls loopback by the host's own name. */
async function listeningUrl(app: NestFastifyApplication): Promise<string> {
  return (await app.getUrl()).replace(/\/$/, '');
}
