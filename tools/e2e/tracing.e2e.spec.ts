import { predictionId, type EventData, type EventTopic } from '@throughline/contracts';
import { eventually } from '@throughline/local-stack';
import { formatTraceparent, messagingAttributes, startTelemetry, type Telemetry, type TraceContext } from '@throughline/telemetry';
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from '@throughline/telemetry/testing';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createServices, type Services } from './services.ts';
import { treeOf } from './trace-tree.ts';
import { deployModel, infer, MODEL, newContext, publish as publishTo, SOURCE, storyOf } from './traced-loop.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

/** What may never leave in a span or a log line: feature values, keys, entities, the identity that a sender chose. */
const SECRETS = { hour: 4711.25, distance: 1337.125, routingKey: 'routing-key-4f1c', entity: 'entity-93ab', requestId: 'request-7e21' };

/** What the receiver’s microseconds and a double of epoch milliseconds lose together. */
const ROUNDING_MS = 0.002;

let receiver: OtlpReceiver;
let services: Services;
let producer: Telemetry;
let url: { registry: string; worker: string; ledger: string };

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  services = await createServices({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, TRACE_SAMPLE_RATIO: '0', TRACE_KEEP_ONE_IN: '0' });
  producer = startTelemetry({ service: 'checkout', instance: '1', otlpEndpoint: receiver.endpoint, exportDelayMs: 100 });
  const [registry, ledger] = await Promise.all([services.start('model-registry'), services.start('outcome-ledger')]);
  await deployModel(registry);
  const worker = await services.start('inference-worker', { REGISTRY_URL: registry });
  url = { registry, worker, ledger };
});

afterAll(async () => {
  await producer?.shutdown();
  await services?.close();
  await receiver?.close();
});

const onBroker = (topic: EventTopic): string => services.topicPrefix + topic;
const newRequestId = (): string => `${SECRETS.requestId}-${randomUUID()}`;

const publish = <T extends EventTopic>(topic: T, id: string, context: TraceContext, data: EventData<T>): Promise<void> => publishTo(services, topic, { id, key: SECRETS.routingKey, context, data });

const request = (id: string, context: TraceContext, model = MODEL): Promise<void> =>
  publish('prediction.requested.v1', id, context, {
    model,
    features: { hour: SECRETS.hour, distance: SECRETS.distance },
    entities: { origin: SECRETS.entity },
    routingKey: SECRETS.routingKey,
  });

const traceOf = (spans: readonly ReceivedSpan[], { traceId }: TraceContext): ReceivedSpan[] => spans.filter((span) => span.traceId === traceId);
const received = async (context: TraceContext, count: number): Promise<ReceivedSpan[]> =>
  traceOf(await receiver.until((spans) => traceOf(spans, context).length >= count, 20_000), context);
const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => spans.find((span) => span.name === name)!;

it('a sampled prediction is one trace, from its producer through the worker’s stages, the result and the ledger to its outcome', async () => {
  const asking = newContext(true);
  const telling = newContext(true);
  const requestId = newRequestId();
  const id = predictionId(SOURCE, requestId);
  await request(requestId, asking);
  const story = await storyOf(url.ledger, id);
  // True at the very moment of the answer; it is published only now.
  const occurredAt = story.answer.answeredAt;
  await publish('outcome.observed.v1', randomUUID(), telling, { predictionId: id, value: false, source: 'arrivals', sequence: 0, occurredAt });

  const [requested, scored, observed] = [onBroker('prediction.requested.v1'), onBroker('prediction.scored.v1'), onBroker('outcome.observed.v1')];
  const trace = await received(asking, 8);
  expect(treeOf(trace)).toEqual([
    `checkout: send ${requested} (producer)`,
    `  inference-worker: process ${requested} (consumer)`,
    '    inference-worker: compute (internal)',
    '    inference-worker: fetch features (internal)',
    '    inference-worker: queue (internal)',
    `    inference-worker: send ${scored} (producer)`,
    '    outcome-ledger: outcome (consumer)',
    `    outcome-ledger: process ${scored} (consumer)`,
  ]);
  const publishers = await received(telling, 2);
  expect(treeOf(publishers)).toEqual([`checkout: send ${observed} (producer)`, `  outcome-ledger: process ${observed} (consumer)`]);

  const process = named(trace, `process ${requested}`);
  const written = named(trace, `process ${scored}`);
  const outcome = named(trace, 'outcome');
  const told = named(publishers, `process ${observed}`);
  expect(story.trace).toMatchObject({ traceId: asking.traceId, spanId: process.spanId, sampled: true });

  // Attributes stand alone, and are all there is.
  const served = { 'throughline.prediction.id': id, 'throughline.model.name': MODEL, 'throughline.model.version': '1' };
  const messaging = (topic: EventTopic, service: string) => ({
    ...messagingAttributes('process', onBroker(topic), { group: `${services.topicPrefix}${service}.${topic}` }),
    'messaging.destination.partition.id': expect.stringMatching(/^\d$/),
    'messaging.kafka.offset': expect.any(Number),
  });
  expect(process.attributes).toEqual({
    ...served,
    ...messaging('prediction.requested.v1', 'inference-worker'),
    'throughline.prediction.state': 'scored',
    'throughline.lane': 'stream',
    'throughline.model.artifact.sha256': story.answer.artifactSha256,
    'throughline.assignment.role': 'champion',
    'throughline.assignment.revision': 1,
    'throughline.batch.size': expect.any(Number),
  });
  expect(written.attributes).toEqual({
    ...messaging('prediction.scored.v1', 'outcome-ledger'),
    'throughline.prediction.id': id,
    'throughline.prediction.state': 'scored',
  });
  const judged = {
    ...served,
    'throughline.assignment.role': 'champion',
    'throughline.outcome.source': 'arrivals',
    'throughline.outcome.correct': false,
    'throughline.outcome.error': story.answer.score,
    'throughline.outcome.delay_seconds': (Date.parse(occurredAt) - Date.parse(story.request.occurredAt)) / 1000,
  };
  expect(outcome.attributes).toEqual(judged);
  expect(told.attributes).toEqual({ ...messaging('outcome.observed.v1', 'outcome-ledger'), ...judged });

  // The outcome and its publisher lead to each other.
  expect(outcome.links).toEqual([{ traceId: telling.traceId, spanId: telling.spanId }]);
  expect(told.links).toEqual([{ traceId: asking.traceId, spanId: outcome.spanId }]);

  // Each at its true time: stages one after the other within the scoring, the outcome when it became true, not when it was told.
  const stages = ['fetch features', 'queue', 'compute', `send ${scored}`].map((name) => named(trace, name));
  for (const [index, stage] of stages.entries()) expect(stage.startMs).toBeGreaterThanOrEqual((stages[index - 1]?.endMs ?? process.startMs) - ROUNDING_MS);
  expect(stages.at(-1)!.endMs).toBe(process.endMs);
  expect(process.startMs).toBeGreaterThanOrEqual(Date.parse(story.request.requestedAt));
  expect(outcome.startMs).toBe(Date.parse(occurredAt));
  expect(told.startMs).toBeGreaterThan(outcome.startMs);
});

it('what is told of the join is in the prediction’s trace too', async () => {
  const context = newContext(true);
  const requestId = newRequestId();
  await request(requestId, context);
  await publish('outcome.observed.v1', randomUUID(), newContext(false), {
    predictionId: predictionId(SOURCE, requestId),
    value: true,
    source: 'arrivals',
    sequence: 0,
    occurredAt: new Date().toISOString(),
  });
  const { trace } = await storyOf(url.ledger, predictionId(SOURCE, requestId), ({ outcome }) => outcome !== null);
  const headers: string[] = [];
  await eventually(async () => {
    await services.bus.admin.scan('outcome.joined.v1', (messages) => void headers.push(...messages.map((message) => String(message.headers['traceparent']))));
    return headers.includes(formatTraceparent(trace));
  }, 20_000);
  expect(headers).toContain(formatTraceparent({ ...trace, traceId: context.traceId, sampled: true }));
});

it('over HTTP the scoring is a server span below the caller’s', async () => {
  const caller = newContext(true);
  await infer(url.worker, { features: { hour: SECRETS.hour, distance: SECRETS.distance }, context: caller, parameters: { routing_key: SECRETS.routingKey } });
  const scored = onBroker('prediction.scored.v1');
  const trace = await received(caller, 6);
  expect(treeOf(trace)).toEqual([
    'inference-worker: POST /v2/models/{model}/infer (server)',
    '  inference-worker: compute (internal)',
    '  inference-worker: fetch features (internal)',
    '  inference-worker: queue (internal)',
    `  inference-worker: send ${scored} (producer)`,
    `  outcome-ledger: process ${scored} (consumer)`,
  ]);
  expect(named(trace, 'POST /v2/models/{model}/infer')).toMatchObject({ parentSpanId: caller.spanId, attributes: { 'throughline.lane': 'http' } });
});

it('a rejected request is a failed span with its code', async () => {
  const context = newContext(true);
  await request(newRequestId(), context, 'no-such-model');
  const [requested, rejected] = [onBroker('prediction.requested.v1'), onBroker('prediction.rejected.v1')];
  const trace = await received(context, 4);
  expect(treeOf(trace)).toEqual([
    `checkout: send ${requested} (producer)`,
    `  inference-worker: process ${requested} (consumer)`,
    `    inference-worker: send ${rejected} (producer)`,
    `    outcome-ledger: process ${rejected} (consumer)`,
  ]);
  expect(named(trace, `process ${requested}`)).toMatchObject({
    error: 'unknown_model',
    attributes: { 'throughline.error.code': 'unknown_model', 'throughline.prediction.state': 'rejected' },
  });
});

it('told again from the ledger, a prediction has the spans that were recorded live: ids, services, names, parents, times, and at least their attributes', async () => {
  const contexts = { scored: newContext(true), rejected: newContext(true) };
  const ids = { scored: newRequestId(), rejected: newRequestId() };
  await request(ids.scored, contexts.scored);
  await request(ids.rejected, contexts.rejected, 'no-such-model');
  for (const [kind, count] of [['scored', 7], ['rejected', 4]] as const) {
    const asking = contexts[kind];
    const id = predictionId(SOURCE, ids[kind]);
    const live = (await received(asking, count)).filter(({ service }) => service !== 'checkout');
    const answer = await fetch(`${url.ledger}/ledger/v1/predictions/${id}/trace`, { method: 'POST' });
    expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ traceId: asking.traceId, spans: live.length })]);
    const all = await received(asking, count + live.length);
    for (const span of live) {
      const told = all.find((candidate) => candidate.spanId === span.spanId && candidate !== span)!;
      const { service, name, kind: spanKind, parentSpanId, error } = span;
      expect(told, name).toMatchObject({ service, name, kind: spanKind, parentSpanId, attributes: { ...span.attributes, 'throughline.reconstructed': true } });
      expect(told.error, name).toBe(error);
      const isAboutAnswer = name.startsWith('send') || name.startsWith('process');
      expect(Math.abs(told.startMs - span.startMs), name).toBeLessThan(isAboutAnswer ? 50 : 1);
      // Written down by the brokers, then acknowledged.
      if (isAboutAnswer) expect(told.endMs, name).toBeLessThanOrEqual(span.endMs + 1);
      else expect(told.endMs, name).toBeCloseTo(span.endMs, 2);
    }
    const scoring = all.filter(({ name }) => name === `process ${onBroker('prediction.requested.v1')}`);
    expect(scoring.map(({ startMs }) => startMs)).toEqual([scoring[0]!.startMs, scoring[0]!.startMs]);
  }
});

it('an unsampled prediction leaves no span, yet the ledger has its trace id; feature values, keys and ids of senders are in no span and no log', async () => {
  const unsampled = newContext(false);
  const requestId = newRequestId();
  const id = predictionId(SOURCE, requestId);
  await request(requestId, unsampled);
  await publish('outcome.observed.v1', randomUUID(), newContext(false), {
    predictionId: id,
    value: true,
    source: 'arrivals',
    sequence: 0,
    occurredAt: new Date().toISOString(),
  });
  const { trace } = await storyOf(url.ledger, id, ({ outcome }) => outcome !== null);
  expect(trace).toMatchObject({ traceId: unsampled.traceId, spanId: expect.stringMatching(/^[0-9a-f]{16}$/), sampled: false });

  // An orderly end exports what waits: what has not come by then was never recorded.
  await services.stop();
  await producer.shutdown();
  expect(traceOf(receiver.spans, unsampled)).toEqual([]);
  expect(receiver.spans.length).toBeGreaterThan(20);
  for (const secret of Object.values(SECRETS)) {
    expect(receiver.text()).not.toContain(String(secret));
    expect(services.logs()).not.toContain(String(secret));
  }
});
