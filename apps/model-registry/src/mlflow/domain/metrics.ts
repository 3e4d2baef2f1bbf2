/** One point of a metric's history. */
export interface Metric {
  readonly key: string;
  /** NaN and the infinities too. */
  readonly value: number;
  readonly timestampMs: number;
  readonly step: number;
  readonly modelId?: string | undefined;
  readonly datasetName?: string | undefined;
  readonly datasetDigest?: string | undefined;
}

/** The latest point of each key: of the highest step, then the latest time, then the highest value. */
export function latestOf(metrics: readonly Metric[]): Map<string, Metric> {
  const latest = new Map<string, Metric>();
  for (const metric of metrics) {
    const known = latest.get(metric.key);
    if (known === undefined || isLater(metric, known)) latest.set(metric.key, metric);
  }
  return latest;
}

function isLater(a: Metric, b: Metric): boolean {
  if (a.step !== b.step) return a.step > b.step;
  if (a.timestampMs !== b.timestampMs) return a.timestampMs > b.timestampMs;
  return a.value >= b.value || Number.isNaN(b.value);
}

/** JSON has no NaN; Protocol Buffers write such numbers as text. */
export const numberToJson = (value: number): number | string => (Number.isFinite(value) ? value : String(value));
