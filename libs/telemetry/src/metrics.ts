import type { Attributes, Counter, Histogram, ObservableGauge, ObservableResult } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider, MetricReader, AggregationTemporality } from '@opentelemetry/sdk-metrics';
import type { MetricDefinition } from './names.js';

/** Collects when asked, and only then: services already have an HTTP server. */
class OnDemandReader extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
  }
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const reader = new OnDemandReader();
const meter = new MeterProvider({ readers: [reader] }).getMeter('throughline');
const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);

const counters = new Map<string, Counter>();
const histograms = new Map<string, Histogram>();
const gauges = new Map<string, ObservableGauge>();

function once<T>(cache: Map<string, T>, name: string, create: () => T): T {
  let instrument = cache.get(name);
  if (instrument === undefined) {
    instrument = create();
    cache.set(name, instrument);
  }
  return instrument;
}

/** The process-wide counter of this name. Keep it in a variable on hot paths; `add(n, labels)` costs about a microsecond. */
export const counter = (definition: MetricDefinition<'counter'>): Counter =>
  once(counters, definition.name, () => meter.createCounter(definition.name, { description: definition.help, unit: definition.unit }));

/** The process-wide histogram of this name, in the unit its definition names. */
export const histogram = (definition: MetricDefinition<'histogram'>): Histogram =>
  once(histograms, definition.name, () =>
    meter.createHistogram(definition.name, { description: definition.help, unit: definition.unit, advice: { explicitBucketBoundaries: [...(definition.buckets ?? [])] } }),
  );

export interface Observation {
  readonly value: number;
  readonly labels: Attributes;
}

/**
 * Reads a value whenever metrics are rendered: a number, or several with labels. Gauges of one name add up their readers, so each
 * must use labels of its own. Returns the function that stops it.
 */
export function observableGauge(definition: MetricDefinition<'gauge'>, read: () => number | readonly Observation[]): () => void {
  const gauge = once(gauges, definition.name, () => meter.createObservableGauge(definition.name, { description: definition.help, unit: definition.unit }));
  const callback = (result: ObservableResult): void => {
    const value = read();
    if (typeof value === 'number') result.observe(value);
    else for (const one of value) result.observe(one.value, one.labels);
  };
  gauge.addCallback(callback);
  return () => gauge.removeCallback(callback);
}

/** All metrics of this process in Prometheus' text format (version 0.0.4). */
export async function renderMetrics(): Promise<string> {
  const { resourceMetrics } = await reader.collect();
  return serializer.serialize(resourceMetrics);
}
