import type { Attributes, Counter, Histogram, ObservableCounter, ObservableGauge, ObservableResult } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { AggregationTemporality, InstrumentType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { BulkProducer, type BulkHistogram } from './bulk-histogram.js';
import type { MetricDefinition } from './names.js';

const bulk = new BulkProducer();

/** Collects when asked, and only then: services already have an HTTP server. */
class OnDemandReader extends MetricReader {
  constructor() {
    // A cumulative gauge repeats for ever what it read last, such as the lag of a partition that has moved elsewhere.
    super({ metricProducers: [bulk], aggregationTemporalitySelector: (type) => (type === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE) });
  }
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const reader = new OnDemandReader();
const meter = new MeterProvider({ readers: [reader] }).getMeter('throughline');
const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);

// Names carry their units already; a unit given to the instruments would only add comment lines.
const counters = new Map<string, Counter>();
const histograms = new Map<string, Histogram>();
const observedCounters = new Map<string, ObservableCounter>();
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
  once(counters, definition.name, () => meter.createCounter(definition.name, { description: definition.help }));

/** The process-wide histogram of this name, in the unit its definition names. */
export const histogram = (definition: MetricDefinition<'histogram'>): Histogram =>
  once(histograms, definition.name, () =>
    meter.createHistogram(definition.name, { description: definition.help, advice: { explicitBucketBoundaries: [...(definition.buckets ?? [])] } }),
  );

/** The process-wide bulk histogram of this name: for hot paths. Use either this or `histogram` for a name, not both. */
export const bulkHistogram = (definition: MetricDefinition<'histogram'>): BulkHistogram => bulk.histogram(definition);

/** A counter whose total somebody else keeps; it is read whenever metrics are rendered. */
export const observableCounter = (definition: MetricDefinition<'counter'>, read: () => number): void =>
  once(observedCounters, definition.name, () => meter.createObservableCounter(definition.name, { description: definition.help }))
    .addCallback((result) => result.observe(read()));

export interface Observation {
  readonly value: number;
  readonly labels: Attributes;
}

/**
 * Reads a value whenever metrics are rendered: a number, or several with labels. Gauges of one name add up their readers, so each
 * must use labels of its own. Returns the function that stops it.
 */
export function observableGauge(definition: MetricDefinition<'gauge'>, read: () => number | readonly Observation[]): () => void {
  const gauge = once(gauges, definition.name, () => meter.createObservableGauge(definition.name, { description: definition.help }));
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
