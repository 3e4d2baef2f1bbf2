import { predictionId, type EventTopic } from '@throughline/contracts';
import { messagingAttributes, recordSpan, startTelemetry, type Telemetry, type TraceContext } from '@throughline/telemetry';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findJaeger } from './jaeger-build.ts';
import { startJaeger, type Jaeger, type JaegerSpan } from './jaeger.ts';
import { createServices, type Services } from './services.ts';
import { treeOf } from './trace-tree.ts';
import { deployModel, infer, MODEL, newContext, publish, SOURCE, storyOf, type Story } from './traced-loop.ts';
import { liveWeeksAgo } from './weeks-ago.ts';

// A cold build of Jaeger takes minutes.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 25 * 60_000 });

const program = await findJaeger();
const DAY_MS = 86_400_000;
const DAYS = 21;
/** What Jaeger’s microseconds and a double of epoch milliseconds lose together. */
const ROUNDING_MS = 0.002;
/** Score of about 0.98: late; and of about 0.02: in time. */
const SAYS_LATE = { hour: 2, distance: 3 };
const SAYS_IN_TIME = { hour: -2, distance: -1 };

describe.skipIf(program === undefined)('in a real Jaeger', () => {
  let jaeger: Jaeger;
  let services: Services;
  let airline: Telemetry;
  let url: { ledger: string };
  const past = { sampled: asked(true), wrong: asked(false), right: asked(false) };

  beforeAll(async () => {
    jaeger = await startJaeger(program!);
    // Jaeger keeps its memory here; only outcomes that were wrong are worth a story.
    services = await createServices({ OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.endpoint, TRACE_SAMPLE_RATIO: '0', TRACE_RETENTION: '90d', TRACE_KEEP_ONE_IN: '0' });
    airline = startTelemetry({ service: 'airline', instance: '1', otlpEndpoint: jaeger.endpoint, exportDelayMs: 100 });
    const registry = await services.start('model-registry');
    await deployModel(registry);
    await liveWeeksAgo(services, { registry, daysAgo: DAYS }, async ({ worker, ledger }) => {
      for (const one of Object.values(past)) {
        one.id = await infer(worker, { features: one === past.right ? SAYS_IN_TIME : SAYS_LATE, context: one.context });
        one.story = await storyOf(ledger, one.id);
      }
    });
    // The caller of the sampled one has recorded its own span, as it would.
    const { story, context } = past.sampled;
    const askedMs = Date.parse(story!.request.requestedAt);
    recordSpan({ name: 'book a flight', kind: 'server', context, startMs: askedMs - 1, endMs: askedMs + 30, attributes: {} });
    const [ledger] = await Promise.all([services.start('outcome-ledger'), services.start('inference-worker', { REGISTRY_URL: registry })]);
    url = { ledger };
  });

  afterAll(async () => {
    await airline?.shutdown();
    await services?.close();
    await jaeger?.stop();
  });

  const onBroker = (topic: EventTopic): string => services.topicPrefix + topic;
  const named = (spans: readonly JaegerSpan[], name: string): JaegerSpan => spans.find((span) => span.name === name)!;
  const childOf = ({ traceId, spanId }: Pick<TraceContext, 'traceId' | 'spanId'>) => ({ refType: 'CHILD_OF', traceID: traceId, spanID: spanId });
  const followsFrom = ({ traceId, spanId }: Pick<TraceContext, 'traceId' | 'spanId'>) => ({ refType: 'FOLLOWS_FROM', traceID: traceId, spanID: spanId });

  /** The truth, published now by somebody who traces too. */
  async function observe(id: string, value: boolean, sequence = 0): Promise<{ context: TraceContext; occurredAtMs: number }> {
    const context = newContext(true);
    const occurredAtMs = Date.now();
    const data = { predictionId: id, value, source: 'arrivals', sequence, occurredAt: new Date(occurredAtMs).toISOString() };
    await publish(services, 'outcome.observed.v1', { id: randomUUID(), key: id, context, data });
    return { context, occurredAtMs };
  }

  const scored = (): string => onBroker('prediction.scored.v1');
  /** The scoring over HTTP with its stages and the outcome, as they stand below whoever asked: whether the worker has recorded them or the ledger for it. */
  const scoringAndOutcome = ({ indent = '', outcomes = 1 } = {}): string[] => {
    const stages = ['compute (internal)', 'fetch features (internal)', 'queue (internal)', `send ${scored()} (producer)`].map((stage) => `inference-worker: ${stage}`);
    const later = [...Array<string>(outcomes).fill('outcome-ledger: outcome (consumer)'), `outcome-ledger: process ${scored()} (consumer)`];
    return [`${indent}inference-worker: POST /v2/models/{model}/infer (server)`, ...[...stages, ...later].toSorted().map((line) => `${indent}  ${line}`)];
  };
  /** An outcome after its prediction is no clock that is wrong, and with `max_clock_skew_adjust` at its default Jaeger only remarks on it. */
  const warningsOf = (trace: readonly JaegerSpan[]): string[] => trace.flatMap(({ warnings }) => warnings).filter((warning) => !warning.startsWith('clock skew adjustment disabled'));

  it('a sampled prediction and its outcome of three weeks later are one trace, each span at its true time', async () => {
    const { id, context, story } = past.sampled;
    const told = await observe(id!, false);
    const trace = await jaeger.traceOf(context.traceId, 8);
    expect(treeOf(trace)).toEqual(['airline: book a flight (server)', ...scoringAndOutcome({ indent: '  ' })]);
    expect(warningsOf(trace)).toEqual([]);

    const scoring = named(trace, 'POST /v2/models/{model}/infer');
    const outcome = named(trace, 'outcome');
    expect(story!.trace).toEqual({ traceId: context.traceId, spanId: scoring.spanId, parentSpanId: context.spanId, sampled: true });
    expect(scoring.references).toEqual([childOf(context)]);
    for (const name of ['fetch features', 'queue', 'compute', `send ${scored()}`, `process ${scored()}`]) expect(named(trace, name).references).toEqual([childOf(scoring)]);
    expect(outcome.references).toEqual([childOf(scoring), followsFrom(told.context)]);

    // Three weeks of the wall lie between them, and no span is stretched over them.
    expect(scoring.startMs).toBeGreaterThanOrEqual(Date.parse(story!.request.requestedAt) - ROUNDING_MS);
    expect(outcome.startMs).toBe(told.occurredAtMs);
    expect((outcome.startMs - scoring.startMs) / DAY_MS).toBeCloseTo(DAYS, 2);
    for (const span of trace) expect(span.endMs - span.startMs).toBeLessThan(60_000);
    const stages = ['fetch features', 'queue', 'compute', `send ${scored()}`].map((name) => named(trace, name));
    for (const [index, stage] of stages.entries()) expect(stage.startMs).toBeGreaterThanOrEqual((stages[index - 1]?.endMs ?? scoring.startMs) - ROUNDING_MS);
    expect(stages.at(-1)!.endMs).toBeCloseTo(scoring.endMs, 2);

    expect(scoring.attributes).toMatchObject({
      'throughline.prediction.id': id, 'throughline.model.name': MODEL, 'throughline.model.version': '1', 'throughline.lane': 'http',
      'throughline.prediction.state': 'scored', 'throughline.assignment.role': 'champion', 'throughline.model.artifact.sha256': story!.answer.artifactSha256,
    });
    expect(outcome.attributes).toMatchObject({
      'throughline.prediction.id': id, 'throughline.model.name': MODEL, 'throughline.model.version': '1', 'throughline.outcome.source': 'arrivals', 'throughline.outcome.correct': false,
      'throughline.outcome.delay_seconds': (told.occurredAtMs - Date.parse(story!.request.occurredAt)) / 1000,
    });
    expect(outcome.attributes['throughline.outcome.error']).toBeCloseTo(story!.answer.score, 6);

    // Whoever published the outcome is led to the prediction, and so is who searches for mistakes.
    const publisher = await jaeger.traceOf(told.context.traceId, 2);
    const observed = onBroker('outcome.observed.v1');
    expect(treeOf(publisher)).toEqual([`airline: send ${observed} (producer)`, `  outcome-ledger: process ${observed} (consumer)`]);
    expect(named(publisher, `process ${observed}`).references).toEqual([childOf(told.context), followsFrom(outcome)]);
    const wrong = await jaeger.search({ service: 'outcome-ledger', operation: 'outcome', tags: { 'throughline.outcome.correct': 'false' }, sinceMs: told.occurredAtMs - 60_000, untilMs: Date.now() + 1000 });
    expect(wrong).toContain(context.traceId);
  });

  it('a prediction that nobody sampled and that turns out wrong three weeks later gets its whole trace then, under the ids it had announced', async () => {
    const { id, context, story } = past.wrong;
    expect(await jaeger.trace(context.traceId)).toEqual([]);
    const told = await observe(id!, false);
    const trace = await jaeger.traceOf(context.traceId, 7);
    expect(treeOf(trace)).toEqual(scoringAndOutcome());
    const scoring = named(trace, 'POST /v2/models/{model}/infer');
    const outcome = named(trace, 'outcome');
    expect(story!.trace).toEqual({ traceId: context.traceId, spanId: scoring.spanId, parentSpanId: context.spanId, sampled: false });
    expect(scoring.references).toEqual([childOf(context)]);
    expect(outcome.references).toEqual([childOf(scoring), followsFrom(told.context)]);
    expect(scoring.attributes).toMatchObject({ 'throughline.prediction.id': id, 'throughline.reconstructed': true, 'throughline.trace.kept_because': 'wrong', 'throughline.model.artifact.sha256': story!.answer.artifactSha256 });
    expect(outcome.attributes).toMatchObject({ 'throughline.outcome.correct': false });
    expect(scoring.startMs).toBeCloseTo(Date.parse(story!.request.requestedAt), 0);
    expect(outcome.startMs).toBe(told.occurredAtMs);
    for (const span of trace) expect(span.endMs - span.startMs).toBeLessThan(60_000);
    // Jaeger misses the span of whoever asked and sampled nothing; nothing else.
    expect(warningsOf(trace)).toEqual([expect.stringContaining('invalid parent span IDs')]);
  });

  it('the story of one that was right is told on demand, and telling it twice doubles no span', async () => {
    const { id, context, story } = past.right;
    await observe(id!, false);
    await storyOf(url.ledger, id!, ({ outcome }) => outcome !== null);
    expect(await jaeger.trace(context.traceId)).toEqual([]);
    const answers = [await retell(id!), await retell(id!)];
    expect(answers).toEqual(Array(2).fill(expect.objectContaining({ traceId: context.traceId, spans: 7 })));
    const trace = await jaeger.traceOf(context.traceId, 7);
    expect(treeOf(trace)).toEqual(scoringAndOutcome());
    expect(named(trace, 'POST /v2/models/{model}/infer').spanId).toBe(story!.trace.spanId);
    expect(named(trace, 'outcome').attributes).toMatchObject({ 'throughline.outcome.correct': true, 'throughline.reconstructed': true });

    // The correction makes it wrong, which tells all of it once more, with what has changed: Jaeger keeps both words of such a span, under one id.
    await observe(id!, true, 1);
    const corrected = await jaeger.traceOf(context.traceId, 8);
    const spans = [...new Map(corrected.map((span) => [span.spanId, span])).values()];
    expect(treeOf(spans)).toEqual(scoringAndOutcome({ outcomes: 2 }));
    expect(spans.filter(({ name }) => name === 'outcome').map(({ attributes }) => attributes['throughline.outcome.correct']).toSorted()).toEqual([false, true]);
  });

  const retell = async (id: string): Promise<unknown> => (await fetch(`${url.ledger}/ledger/v1/predictions/${id}/trace`, { method: 'POST' })).json();

  it('over Kafka, event time three weeks apart: from the producer’s send through the worker and the ledger to the outcome in one trace', async () => {
    const asking = newContext(true);
    const requestId = randomUUID();
    const id = predictionId(SOURCE, requestId);
    const askedAtMs = Date.now() - DAYS * DAY_MS;
    await publish(services, 'prediction.requested.v1', { id: requestId, key: 'JFK', context: asking, data: { model: MODEL, features: SAYS_LATE, occurredAt: new Date(askedAtMs).toISOString() } });
    const story: Story = await storyOf(url.ledger, id);
    const told = await observe(id, true);
    const requested = onBroker('prediction.requested.v1');
    const trace = await jaeger.traceOf(asking.traceId, 8);
    expect(treeOf(trace)).toEqual([
      `airline: send ${requested} (producer)`,
      `  inference-worker: process ${requested} (consumer)`,
      '    inference-worker: compute (internal)',
      '    inference-worker: fetch features (internal)',
      '    inference-worker: queue (internal)',
      `    inference-worker: send ${scored()} (producer)`,
      '    outcome-ledger: outcome (consumer)',
      `    outcome-ledger: process ${scored()} (consumer)`,
    ]);
    const process = named(trace, `process ${requested}`);
    expect(story.trace).toEqual({ traceId: asking.traceId, spanId: process.spanId, parentSpanId: asking.spanId, sampled: true });
    expect(process.references).toEqual([childOf(asking)]);
    expect(process.attributes).toMatchObject({ ...messagingAttributes('process', requested, { group: `${services.topicPrefix}inference-worker.prediction.requested.v1` }), 'messaging.kafka.offset': expect.any(Number) });
    expect(named(trace, 'outcome').references).toEqual([childOf(process), followsFrom(told.context)]);
    expect(named(trace, 'outcome').attributes).toMatchObject({ 'throughline.outcome.correct': true, 'throughline.outcome.delay_seconds': (told.occurredAtMs - askedAtMs) / 1000 });
    expect(warningsOf(trace)).toEqual([]);
  });
});

interface Asked { readonly context: TraceContext; id?: string; story?: Story }
function asked(sampled: boolean): Asked {
  return { context: newContext(sampled) };
}
