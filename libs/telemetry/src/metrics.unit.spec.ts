import { describe, expect, it } from 'vitest';
import { bulkHistogram, counter, histogram, observableGauge, renderMetrics } from './metrics.js';
import { METRICS, type MetricDefinition } from './names.js';

const all: MetricDefinition[] = Object.values(METRICS);

describe('the page of names', () => {
  it('has no name twice', () => expect(new Set(all.map(({ name }) => name)).size).toBe(all.length));
  it('prefixes every name and keeps to what Prometheus allows', () => expect(all.filter(({ name }) => !/^(throughline|process|nodejs)_[a-z][a-z0-9_]*$/.test(name))).toEqual([]));
  it('closes a name with its unit', () => {
    expect(all.filter(({ unit, name }) => unit === 's' && !name.endsWith('_seconds'))).toEqual([]);
    expect(all.filter(({ unit, name }) => unit === 'By' && !name.endsWith('_bytes'))).toEqual([]);
  });
  it('leaves `_total` to the renderer', () => expect(all.filter(({ name }) => name.endsWith('_total'))).toEqual([]));
  it('gives every histogram rising buckets', () => {
    for (const { kind, buckets = [] } of all.filter(({ kind }) => kind === 'histogram')) {
      expect(kind).toBe('histogram');
      expect(buckets.length).toBeGreaterThan(3);
      expect([...buckets].sort((a, b) => a - b)).toEqual(buckets);
    }
  });
});

describe('rendered metrics', () => {
  it('count with labels, under the Prometheus name', async () => {
    counter(METRICS.rejections).add(2, { model: 'm', code: 'feature_missing', lane: 'stream' });
    counter(METRICS.rejections).add(1, { model: 'm', code: 'feature_missing', lane: 'stream' });
    expect(await renderMetrics()).toContain('throughline_rejections_total{model="m",code="feature_missing",lane="stream"} 3');
  });
  it('put an observation in the bucket of its unit', async () => {
    histogram(METRICS.queueSeconds).record(0.004, { lane: 'http' });
    const text = await renderMetrics();
    expect(text).toContain('throughline_queue_duration_seconds_bucket{lane="http",le="0.0025"} 0');
    expect(text).toContain('throughline_queue_duration_seconds_bucket{lane="http",le="0.005"} 1');
    expect(text).toContain('throughline_queue_duration_seconds_sum{lane="http"} 0.004');
  });
  it('count in bulk as one by one, with the boundary in the lower bucket', async () => {
    const series = bulkHistogram(METRICS.stageSeconds).with({ model: 'm', stage: 'queue' });
    series.record(0.001, 3);
    series.record(0.002);
    series.record(99);
    expect(bulkHistogram(METRICS.stageSeconds).with({ model: 'm', stage: 'queue' })).toBe(series);
    const text = await renderMetrics();
    expect(text).toContain('throughline_stage_duration_seconds_bucket{model="m",stage="queue",le="0.001"} 3');
    expect(text).toContain('throughline_stage_duration_seconds_bucket{model="m",stage="queue",le="0.0025"} 4');
    expect(text).toContain('throughline_stage_duration_seconds_bucket{model="m",stage="queue",le="+Inf"} 5');
    expect(text).toContain('throughline_stage_duration_seconds_count{model="m",stage="queue"} 5');
  });
  it('read a gauge when asked, and no more once it is stopped', async () => {
    let rows = 7;
    const stop = observableGauge(METRICS.queueRows, () => [{ value: rows, labels: { model: 'm', version: '1' } }]);
    expect(await renderMetrics()).toContain('throughline_queue_rows{model="m",version="1"} 7');
    rows = 8;
    expect(await renderMetrics()).toContain('throughline_queue_rows{model="m",version="1"} 8');
    stop();
    expect(await renderMetrics()).not.toContain('throughline_queue_rows{');
  });
  it('go on when one gauge cannot be read', async () => {
    const stop = observableGauge(METRICS.ledgerPending, () => { throw new Error('database is away'); });
    counter(METRICS.rebalances).add(1, { group: 'g' });
    expect(await renderMetrics()).toContain('throughline_rebalances_total{group="g"} 1');
    stop();
  });
});
