import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from './logger.js';
import { renderMetrics } from './metrics.js';
import { ATTRIBUTES, SPANS } from './names.js';
import { startOtlpReceiver, type OtlpReceiver } from './otlp-receiver.js';
import type { SpanRecord } from './spans.js';
import { recordSpan, spansEnabled, startTelemetry, type Telemetry } from './telemetry.js';
import { newSpanId, newTraceId } from './traceparent.js';

const DAY_MS = 86_400_000;

let receiver: OtlpReceiver;
let telemetry: Telemetry;

const start = (more: { maxQueueSize?: number } = {}): Telemetry =>
  startTelemetry({ service: 'outcome-ledger', instance: 'test', otlpEndpoint: receiver.endpoint, exportDelayMs: 20, logger: createLogger('test', { level: 'silent' }), ...more });

const span = (more: Partial<SpanRecord> = {}): SpanRecord => ({
  name: 'x', kind: 'internal', context: { traceId: newTraceId(), spanId: newSpanId(), sampled: true }, startMs: 1_700_000_000_000, endMs: 1_700_000_000_010, ...more,
});

const metric = async (line: string): Promise<number> => Number((await renderMetrics()).split('\n').find((text) => text.startsWith(`${line} `))?.slice(line.length + 1) ?? 0);

beforeEach(async () => { receiver = await startOtlpReceiver(); });
afterEach(async () => {
  await telemetry.shutdown();
  await receiver.close();
});

describe('a recorded span', () => {
  it('reaches the collector with exactly the ids, times, kind, attributes and links it was given', async () => {
    telemetry = start();
    const scoring = { traceId: newTraceId(), spanId: newSpanId(), sampled: true };
    const publisher = { traceId: newTraceId(), spanId: newSpanId() };
    const outcome = span({
      name: SPANS.outcome, kind: 'consumer', context: { ...scoring, spanId: newSpanId() }, parentSpanId: scoring.spanId,
      startMs: 1_700_000_000_000 + 21 * DAY_MS + 0.25, endMs: 1_700_000_000_000 + 21 * DAY_MS + 3.5,
      attributes: { [ATTRIBUTES.predictionId]: 'p', [ATTRIBUTES.outcomeDelaySeconds]: 1_814_400, [ATTRIBUTES.outcomeCorrect]: false }, links: [publisher],
    });
    recordSpan(outcome);
    const [received] = await receiver.until((spans) => spans.length === 1);
    expect(received).toEqual({
      service: 'outcome-ledger', traceId: scoring.traceId, spanId: outcome.context.spanId, parentSpanId: scoring.spanId, name: 'outcome', kind: 5,
      startMs: outcome.startMs, endMs: outcome.endMs, links: [publisher], error: undefined,
      attributes: { 'throughline.prediction.id': 'p', 'throughline.outcome.delay_seconds': 1_814_400, 'throughline.outcome.correct': false },
    });
  });
  it('carries its error', async () => {
    telemetry = start();
    recordSpan(span({ error: 'feature_missing' }));
    expect((await receiver.until((spans) => spans.length === 1))[0]?.error).toBe('feature_missing');
  });
  it('is of the service that did the work, where that was another one', async () => {
    telemetry = start();
    const worker = { name: 'inference-worker', instance: 'worker-1' };
    for (const service of [worker, undefined, { ...worker }]) recordSpan(span(service === undefined ? {} : { service }));
    expect((await receiver.until((spans) => spans.length === 3)).map(({ service }) => service).toSorted()).toEqual(['inference-worker', 'inference-worker', 'outcome-ledger']);
    // Spans of one service leave as one group.
    expect(receiver.text().split('"worker-1"')).toHaveLength(2);
  });
  it('is not exported when its context is not sampled, unless forced', async () => {
    telemetry = start();
    const unsampled = { traceId: newTraceId(), spanId: newSpanId(), sampled: false };
    recordSpan(span({ name: 'silent', context: unsampled }));
    recordSpan(span({ name: 'told later', context: unsampled, force: true }));
    await telemetry.flush();
    expect(receiver.spans.map(({ name }) => name)).toEqual(['told later']);
  });
  it('holds at most 128 links', async () => {
    telemetry = start();
    recordSpan(span({ links: Array.from({ length: 500 }, () => ({ traceId: newTraceId(), spanId: newSpanId() })) }));
    expect((await receiver.until((spans) => spans.length === 1))[0]?.links).toHaveLength(128);
  });
  it('that waits is sent before the process ends', async () => {
    telemetry = start();
    for (let n = 0; n < 1500; n += 1) recordSpan(span());
    await telemetry.shutdown();
    expect(receiver.spans).toHaveLength(1500);
  });
  it('goes nowhere without an endpoint', () => {
    telemetry = startTelemetry({ service: 'x', instance: 'y' });
    expect(spansEnabled()).toBe(false);
    recordSpan(span());
  });
});

describe('lost spans', () => {
  it('are counted when the queue is full, and the queue stays bounded', async () => {
    telemetry = start({ maxQueueSize: 100 });
    const before = await metric('throughline_spans_dropped_total{reason="queue_full"}');
    for (let n = 0; n < 350; n += 1) recordSpan(span());
    await telemetry.shutdown();
    const dropped = (await metric('throughline_spans_dropped_total{reason="queue_full"}')) - before;
    expect(dropped + receiver.spans.length).toBe(350);
    expect(dropped).toBeGreaterThanOrEqual(50);
  });
  it('are counted when the collector refuses them, and recording goes on after it', async () => {
    telemetry = start();
    const before = await metric('throughline_spans_dropped_total{reason="export_failed"}');
    receiver.answer(400);
    recordSpan(span());
    await telemetry.flush();
    expect(await metric('throughline_spans_dropped_total{reason="export_failed"}')).toBe(before + 1);
    receiver.answer(200);
    recordSpan(span({ name: 'after' }));
    expect((await receiver.until((spans) => spans.length === 1))[0]?.name).toBe('after');
  });
});
