import { SpanKind, SpanStatusCode, TraceFlags, type Attributes, type HrTime, type Link } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import type { TraceContext } from './traceparent.js';

const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER } as const;

/** OpenTelemetry's limits for one span. */
const MAX_LINKS = 128;
const MAX_ATTRIBUTES = 128;
/** Jaeger takes a span that ends as it begins for broken: it says so on the span, and no longer knows that the same span told again is the same. */
const MIN_DURATION_MS = 0.001;

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes?: Attributes;
}

export interface ServiceInstance {
  readonly name: string;
  /** Tells two processes of one service apart. */
  readonly instance: string;
}

export interface SpanRecord {
  readonly name: string;
  readonly kind: keyof typeof KINDS;
  /** The span's own ids: exported exactly so. */
  readonly context: TraceContext;
  readonly parentSpanId?: string | undefined;
  /** Epoch milliseconds, fractions allowed. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes?: Attributes;
  readonly links?: readonly SpanLink[];
  /** Marks the span as failed; the text becomes its status. */
  readonly error?: string | undefined;
  /** Who did what the span tells, where that was not this process; default: this one. */
  readonly service?: ServiceInstance;
  /** Export although the context is not sampled: a story told after the fact. */
  readonly force?: boolean;
}

/** A finished span in the shape exporters take, without a tracer: ids and times are the caller's. */
export function toReadableSpan(record: SpanRecord, resource: Resource): ReadableSpan {
  const { context } = record;
  const links = record.links ?? [];
  const { kept, dropped } = limited(record.attributes ?? {});
  const startTime = hrTime(record.startMs);
  const durationMs = Math.max(MIN_DURATION_MS, record.endMs - record.startMs);
  return {
    name: record.name,
    kind: KINDS[record.kind],
    spanContext: () => ({ traceId: context.traceId, spanId: context.spanId, traceFlags: TraceFlags.SAMPLED }),
    ...(record.parentSpanId === undefined ? {} : { parentSpanContext: { traceId: context.traceId, spanId: record.parentSpanId, traceFlags: TraceFlags.SAMPLED } }),
    startTime,
    endTime: hrTime(record.startMs + durationMs),
    duration: hrTime(durationMs),
    status: record.error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: record.error },
    attributes: kept,
    links: links.slice(0, MAX_LINKS).map(toLink),
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: 'throughline' },
    droppedAttributesCount: dropped,
    droppedEventsCount: 0,
    droppedLinksCount: Math.max(0, links.length - MAX_LINKS),
  };
}

export const serviceResource = (service: string, instance: string): Resource =>
  resourceFromAttributes({ 'service.namespace': 'throughline', 'service.name': service, 'service.instance.id': instance });

const toLink = ({ traceId, spanId, attributes }: SpanLink): Link => ({ context: { traceId, spanId, traceFlags: TraceFlags.SAMPLED }, ...(attributes === undefined ? {} : { attributes }) });

function limited(attributes: Attributes): { kept: Attributes; dropped: number } {
  const entries = Object.entries(attributes);
  if (entries.length <= MAX_ATTRIBUTES) return { kept: attributes, dropped: 0 };
  return { kept: Object.fromEntries(entries.slice(0, MAX_ATTRIBUTES)), dropped: entries.length - MAX_ATTRIBUTES };
}

/** Epoch milliseconds as seconds and nanoseconds. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
