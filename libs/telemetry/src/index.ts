export { createLogger, type Logger } from './logger.js';
export type { BulkHistogram, BulkSeries } from './bulk-histogram.js';
export { bulkHistogram, counter, histogram, observableCounter, observableGauge, renderMetrics, type Observation } from './metrics.js';
export { ATTRIBUTES, messagingAttributes, METRICS, SPANS, type MetricDefinition, type MetricKind } from './names.js';
export type { ServiceInstance, SpanLink, SpanRecord } from './spans.js';
export { recordSpan, spansEnabled, startTelemetry, type Telemetry, type TelemetryOptions } from './telemetry.js';
export { childContext, derivedSpanId, derivedTraceId, formatTraceparent, newSpanId, newTraceId, parseTraceparent, type TraceContext } from './traceparent.js';
