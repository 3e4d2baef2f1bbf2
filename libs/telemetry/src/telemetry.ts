import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { Resource } from '@opentelemetry/resources';
import { createLogger, type Logger } from './logger.js';
import { counter, observableGauge, renderMetrics } from './metrics.js';
import { METRICS } from './names.js';
import { observeProcess } from './process-metrics.js';
import { SpanQueue } from './span-queue.js';
import { serviceResource, toReadableSpan, type ServiceInstance, type SpanRecord } from './spans.js';

export interface TelemetryOptions {
  readonly service: string;
  /** Tells two processes of one service apart. */
  readonly instance: string;
  /** OTLP/HTTP, such as `http://127.0.0.1:4318`; spans go to `/v1/traces` below it. Without it no span is recorded. */
  readonly otlpEndpoint?: string | undefined;
  /** Spans waiting at most; default 8192. */
  readonly maxQueueSize?: number;
  readonly exportDelayMs?: number;
  readonly logger?: Logger;
}

export interface Telemetry {
  /** All metrics of the process, Prometheus text. */
  renderMetrics(): Promise<string>;
  /** Sends the spans that wait. */
  flush(): Promise<void>;
  /** Sends the spans that wait and stops recording; bounded in time. */
  shutdown(): Promise<void>;
}

interface Pipeline {
  readonly queue: SpanQueue;
  readonly resource: Resource;
}

let pipeline: Pipeline | undefined;

/** Starts recording for this process. Metrics work before and after; spans only between this and `shutdown`. */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  observeProcess();
  const stopInfo = observableGauge(METRICS.buildInfo, () => [{ value: 1, labels: { service: options.service, instance: options.instance, node_version: process.version } }]);
  const mine = options.otlpEndpoint === undefined ? undefined : startPipeline(options, options.otlpEndpoint);
  if (mine !== undefined) pipeline = mine;
  return {
    renderMetrics,
    flush: async () => mine?.queue.flush(),
    shutdown: async () => {
      stopInfo();
      if (pipeline === mine) pipeline = undefined;
      await mine?.queue.shutdown();
    },
  };
}

/** True when recorded spans go somewhere; lets hot paths skip what they would gather for them. */
export const spansEnabled = (): boolean => pipeline !== undefined;

/**
 * Exports a finished span with exactly these ids, times and links. Does nothing without an OTLP endpoint, or when the context is
 * not sampled (unless `force`). Never throws, never waits: past the bound of the queue spans are dropped and counted.
 */
export function recordSpan(record: SpanRecord): void {
  if (pipeline === undefined || !(record.context.sampled || record.force === true)) return;
  pipeline.queue.add(toReadableSpan(record, record.service === undefined ? pipeline.resource : resourceOf(record.service)));
}

const MAX_RESOURCES = 256;
const resources = new Map<string, Resource>();

/** The same object for the same service: exporters send spans grouped by it. */
function resourceOf({ name, instance }: ServiceInstance): Resource {
  const key = `${name}\n${instance}`;
  let resource = resources.get(key);
  if (resource === undefined) {
    if (resources.size >= MAX_RESOURCES) resources.clear();
    resource = serviceResource(name, instance);
    resources.set(key, resource);
  }
  return resource;
}

function startPipeline(options: TelemetryOptions, endpoint: string): Pipeline {
  const logger = options.logger ?? createLogger(options.service);
  const exported = counter(METRICS.spansExported);
  const dropped = counter(METRICS.spansDropped);
  // From 0: of a counter that begins at 1 nobody sees the first increase.
  for (const reason of ['queue_full', 'export_failed']) dropped.add(0, { reason });
  let failing = false;
  const queue = new SpanQueue({
    exporter: new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces`, timeoutMillis: 5000 }),
    ...(options.maxQueueSize === undefined ? {} : { maxQueueSize: options.maxQueueSize }),
    ...(options.exportDelayMs === undefined ? {} : { delayMs: options.exportDelayMs }),
    onExported: (count) => {
      exported.add(count);
      if (failing) logger.info('the OTLP endpoint takes spans again');
      failing = false;
    },
    onDropped: (count, reason, error) => {
      dropped.add(count, { reason });
      if (reason === 'export_failed' && !failing) logger.warn({ err: error }, 'the OTLP endpoint does not take spans; they are dropped and counted');
      failing ||= reason === 'export_failed';
    },
  });
  return { queue, resource: serviceResource(options.service, options.instance) };
}
