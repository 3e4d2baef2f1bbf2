import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { bulkHistogram, METRICS, type BulkSeries, type Telemetry } from '@throughline/telemetry';
import type { HealthRegistry } from './health.js';
import { refuseNul } from './json-body.js';
import { openApiDocument, type OpenApiInfo } from './open-api.js';

export interface Edge {
  readonly health: HealthRegistry;
  readonly telemetry: Telemetry;
  readonly openApi: OpenApiInfo;
}

/** What happens to every request, and therefore precedes all routes. */
export function edgeHooks(app: NestFastifyApplication, { health }: Pick<Edge, 'health'>): void {
  const fastify = app.getHttpAdapter().getInstance();
  const requestSeriesOf = requestSeries();

  // Hooks with callbacks: one that returns a promise costs every request a turn of the microtask queue.
  fastify.addHook('onRequest', (request, _reply, done) => {
    refuseNul(request.url);
    done();
  });
  // A kept-alive connection whose request was under way when the end came would hold the end up.
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (health.isShuttingDown) reply.header('connection', 'close');
    done(null, payload);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    requestSeriesOf(request.method, request.routeOptions.url ?? 'none', reply.statusCode).record(reply.elapsedTime / 1000);
    done();
  });
}

/**
 * What every service answers, whatever else it does: health, metrics, its own description. Follows all plugins: what is there when Fastify loads
 * one answers errors in Fastify's own words for good, without the problem's status.
 */
export function edgeRoutes(app: NestFastifyApplication, { health, telemetry, openApi }: Edge): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.get('/health/live', async () => ({ status: 'ok' }));
  fastify.get('/health/ready', async (request, reply) => {
    const report = await health.report();
    // Reasons name hosts; they are for those who may look.
    return reply.code(report.status === 'ok' ? 200 : 503).send(request.principal === null ? { status: report.status } : report);
  });
  fastify.get('/metrics', async (_request, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(await telemetry.renderMetrics()));

  let document: object | undefined;
  fastify.get('/openapi.json', async () => (document ??= openApiDocument(app, openApi)));
}

/** Series of the request histogram by method, route and status: few, because routes are patterns. */
function requestSeries(): (method: string, route: string, status: number) => BulkSeries {
  const series = new Map<string, BulkSeries>();
  return (method, route, status) => {
    const key = `${method} ${status} ${route}`;
    let known = series.get(key);
    if (known === undefined) {
      known = bulkHistogram(METRICS.httpRequestSeconds).with({ method, route, status: String(status) });
      series.set(key, known);
    }
    return known;
  };
}
