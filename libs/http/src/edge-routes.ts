import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { histogram, METRICS, type Telemetry } from '@throughline/telemetry';
import type { HealthRegistry } from './health.js';
import { refuseForeign } from './loopback.js';
import { openApiDocument, type OpenApiInfo } from './open-api.js';

export interface Edge {
  readonly health: HealthRegistry;
  readonly telemetry: Telemetry;
  readonly openApi: OpenApiInfo;
}

/** What every service answers, whatever else it does: health, metrics, its own description. And the guard before all of it. */
export function edgeRoutes(app: NestFastifyApplication, { health, telemetry, openApi }: Edge): void {
  const fastify = app.getHttpAdapter().getInstance();
  const seconds = histogram(METRICS.httpRequestSeconds);

  fastify.addHook('onRequest', async (request) => refuseForeign(request.headers));
  // A kept-alive connection whose request was under way when the end came would hold the end up.
  fastify.addHook('onSend', async (_request, reply) => {
    if (health.isShuttingDown) reply.header('connection', 'close');
  });
  fastify.addHook('onResponse', async (request, reply) => {
    seconds.record(reply.elapsedTime / 1000, { method: request.method, route: request.routeOptions.url ?? 'none', status: reply.statusCode });
  });

  fastify.get('/health/live', async () => ({ status: 'ok' }));
  fastify.get('/health/ready', async (_request, reply) => {
    const report = await health.report();
    return reply.code(report.status === 'ok' ? 200 : 503).send(report);
  });
  fastify.get('/metrics', async (_request, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(await telemetry.renderMetrics()));

  let document: object | undefined;
  fastify.get('/openapi.json', async () => (document ??= openApiDocument(app, openApi)));
}
