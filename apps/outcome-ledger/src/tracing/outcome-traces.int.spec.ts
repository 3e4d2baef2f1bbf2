import { formatTraceparent, newSpanId, newTraceId, type TraceContext } from '@throughline/telemetry';
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from '@throughline/telemetry/testing';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { deployment, idOf, outcome, rejected, scored, SHA } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import { OpenAlerts } from './open-alerts.js';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

const DAY_MS = 86_400_000;
const ONE_IN = 7;
/** What may never be in a span. */
const MARKERS = { entity: 'entity-93ab', routingKey: 'routing-key-4f1c', feature: 4711.25, output: 0.61803, requestId: 'request-7e21' };

let home: Installation;
let receiver: OtlpReceiver;
let ledger: RunningService;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  home = await install({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, TRACE_KEEP_ONE_IN: String(ONE_IN), TRACE_KEEP_COST_MICRO_USD: '1000' });
  const alert = { alertId: idOf('alert'), model: 'alarmed', version: '1', kind: 'quality' as const, tier: 'alarm' as const, subject: 'auc', summary: 'It got worse.', evidence: {}, raisedAt: new Date().toISOString() };
  await home.publish('alert.raised.v1', [{ data: alert }]);
  await home.publish('model.deployment.v1', [{ data: deployment() }]);
  ledger = await home.startLedger();
});
afterAll(async () => {
  await home.close();
  await receiver.close();
});

const context = (sampled: boolean): TraceContext => ({ traceId: newTraceId(), spanId: newSpanId(), sampled });
const onBroker = (topic: string): string => `${home.env['KAFKA_TOPIC_PREFIX']}${topic}`;
const of = ({ traceId }: TraceContext): ReceivedSpan[] => receiver.spans.filter((span) => span.traceId === traceId);
const names = (trace: TraceContext): string[] => of(trace).map(({ name }) => name).toSorted();
const named = (trace: TraceContext, name: string): ReceivedSpan => of(trace).find((span) => span.name === name)!;
/** So many spans of it have come; what waits for the next export is sent along. */
const until = (trace: TraceContext, count: number) => seen(() => of(trace).length >= count);
const seen = (enough: () => boolean) => eventually('the spans', async () => {
  await ledger.telemetry.flush();
  return enough();
});
const scoringSpans = () => ['compute', 'fetch features', onBroker('prediction.requested.v1'), onBroker('prediction.scored.v1'), 'queue', onBroker('prediction.scored.v1')]
  .map((name, index) => (index === 2 || index === 3 ? `process ${name}` : index === 5 ? `send ${name}` : name));

/** So many joins came to this end since the ledger was started. */
async function counted(result: string): Promise<number> {
  const line = (await ledger.telemetry.renderMetrics()).split('\n').find((one) => one.startsWith(`throughline_ledger_traces_total{result="${result}"}`));
  return line === undefined ? 0 : Number(line.split(' ')[1]);
}
const oneMore = async (result: string, act: () => Promise<void>): Promise<void> => {
  const before = await counted(result);
  await act();
  await eventually(`one more ${result}`, async () => (await counted(result)) > before);
};

interface Case {
  readonly trace: TraceContext;
  readonly requestedAtMs?: number;
  readonly over?: Partial<Parameters<typeof scored>[1]>;
  readonly value?: boolean;
  readonly publisher?: TraceContext;
}

/** Its right answer is `true`. */
async function predict(id: string, { trace, requestedAtMs = Date.now(), over }: Case): Promise<void> {
  const at = (ms: number): string => new Date(requestedAtMs + ms).toISOString();
  const data = scored(id, {
    requestedAt: at(0), occurredAt: at(0), scoredAt: at(9), requestCoordinates: 'prediction.requested.v1/2/77', parentSpanId: '00f067aa0ba902b7', team: 'ground', costMicroUsd: 12,
    timingsMs: { transport: 4, features: 1.5, queue: 0.25, preprocess: 0.125, inference: 2, postprocess: 0.5, total: 9 }, ...over,
  });
  await home.publish('prediction.scored.v1', [{ key: id, data, traceparent: formatTraceparent(trace) }]);
}
const tell = (id: string, { value = true, publisher, sequence = 0, occurredAtMs = Date.now() }: { value?: boolean; publisher?: TraceContext | undefined; sequence?: number; occurredAtMs?: number }): Promise<void> =>
  home.publish('outcome.observed.v1', [{ key: id, data: outcome(id, { value, sequence, occurredAt: new Date(occurredAtMs).toISOString() }), ...(publisher === undefined ? {} : { traceparent: formatTraceparent(publisher) }) }]);
const written = (id: string) => eventually('the row', async () => (await home.sql('SELECT 1 FROM prediction WHERE prediction_id = $1', [idOf(id)])).length === 1);

/** Names of requests whose prediction is one of N, or one of the others. */
const chosen = (count: number, isChosen: boolean): string[] =>
  Array.from({ length: 200 }, (_, index) => `r-${count}-${index}`).filter((id) => (Number.parseInt(idOf(id).slice(0, 8), 16) % ONE_IN === 0) === isChosen).slice(0, count);

it('a wrong answer that nobody sampled gets its spans from its row: announced ids, true times, the outcome below the scoring', async () => {
  const trace = context(false);
  const publisher = context(true);
  const requestedAtMs = Date.now() - 3_600_000;
  await predict('wrong', { trace, requestedAtMs });
  await written('wrong');
  const occurredAtMs = Date.now() - 60_000;
  await tell('wrong', { value: false, publisher, occurredAtMs });
  await until(trace, 7);
  expect(names(trace)).toEqual([...scoringSpans(), 'outcome'].toSorted());
  const scoring = named(trace, `process ${onBroker('prediction.requested.v1')}`);
  expect(scoring).toMatchObject({ spanId: trace.spanId, parentSpanId: '00f067aa0ba902b7', kind: 5, startMs: requestedAtMs + 4, service: 'inference-worker' });
  expect(scoring.attributes).toMatchObject({
    'throughline.prediction.id': idOf('wrong'), 'throughline.prediction.state': 'scored', 'throughline.lane': 'stream', 'throughline.model.name': 'flight-delay', 'throughline.model.version': '1',
    'throughline.model.artifact.sha256': SHA, 'throughline.assignment.role': 'champion', 'throughline.assignment.revision': 1, 'throughline.batch.size': 3, 'throughline.team': 'ground',
    'throughline.cost.micro_usd': 12, 'throughline.reconstructed': true, 'throughline.trace.kept_because': 'wrong',
    'messaging.destination.partition.id': '2', 'messaging.kafka.offset': 77, 'messaging.consumer.group.name': `${home.env['KAFKA_TOPIC_PREFIX']}inference-worker.prediction.requested.v1`,
  });
  for (const name of ['fetch features', 'queue', 'compute', `send ${onBroker('prediction.scored.v1')}`, `process ${onBroker('prediction.scored.v1')}`, 'outcome']) expect(named(trace, name).parentSpanId, name).toBe(trace.spanId);
  const times = (name: string) => [named(trace, name).startMs - requestedAtMs, named(trace, name).endMs - requestedAtMs];
  expect([times('fetch features'), times('queue'), times('compute')]).toEqual([[4, 5.5], [5.5, 5.75], [5.875, 7.875]]);
  expect(times(`send ${onBroker('prediction.scored.v1')}`)[0]).toBe(9);
  // Asked an hour ago, as the event says; Kafka has the answer since a moment.
  const [row] = await home.sql<{ published_at: Date }>('SELECT published_at FROM prediction WHERE prediction_id = $1', [idOf('wrong')]);
  expect(Math.abs(scoring.endMs - row!.published_at.getTime())).toBeLessThan(1);
  expect(row!.published_at.getTime()).toBeGreaterThan(requestedAtMs + 3_000_000);
  expect(scoring.endMs).toBe(named(trace, `send ${onBroker('prediction.scored.v1')}`).endMs);
  expect(of(trace).filter(({ service }) => service === 'outcome-ledger').map(({ name }) => name).toSorted()).toEqual(['outcome', `process ${onBroker('prediction.scored.v1')}`]);
  const told = named(trace, 'outcome');
  expect(told).toMatchObject({ startMs: occurredAtMs, links: [{ traceId: publisher.traceId, spanId: publisher.spanId }], attributes: { 'throughline.outcome.correct': false } });
  await until(publisher, 1);
  expect(of(publisher)).toMatchObject([{ name: `process ${onBroker('outcome.observed.v1')}`, parentSpanId: publisher.spanId, links: [{ traceId: trace.traceId, spanId: told.spanId }] }]);
});

it('of the right ones one in N is kept; the others are counted and leave no span', async () => {
  const [kept, dropped] = [context(false), context(false)];
  const [one] = chosen(1, true);
  const [other] = chosen(1, false);
  await predict(one!, { trace: kept });
  await predict(other!, { trace: dropped });
  await Promise.all([written(one!), written(other!)]);
  await oneMore('dropped', () => tell(other!, {}));
  await oneMore('one_in_n', () => tell(one!, {}));
  await until(kept, 7);
  await ledger.telemetry.flush();
  expect(of(dropped)).toEqual([]);
});

it('a fallback’s answer is kept, a costly one, and one whose model has an open alert', async () => {
  await eventually('the alert', async () => ledger.app.get(OpenAlerts).lastRaisedAtMs('alarmed') !== undefined);
  const cases = [
    { id: 'fallback-1', over: { fallback: { kind: 'constant', reason: 'model_failed' }, features: { values: [] } }, result: 'fallback', attributes: { 'throughline.fallback.reason': 'model_failed', 'throughline.prediction.state': 'fallback' } },
    { id: 'costly-1', over: { costMicroUsd: 1000 }, result: 'costly', attributes: { 'throughline.cost.micro_usd': 1000 } },
    { id: 'alarmed-1', over: { model: 'alarmed' }, result: 'alerting', attributes: { 'throughline.model.name': 'alarmed' } },
  ];
  for (const { id, over, result, attributes } of cases) {
    const trace = context(false);
    await predict(id, { trace, over });
    await written(id);
    await tell(id, {});
    await until(trace, 7);
    expect(named(trace, `process ${onBroker('prediction.requested.v1')}`).attributes, id).toMatchObject({ ...attributes, 'throughline.trace.kept_because': result });
  }
});

it('an outcome 21 days later brings spans along that the backend has forgotten, also those of a sampled prediction', async () => {
  const requestedAtMs = Date.now() - 21 * DAY_MS;
  const trace = context(true);
  await predict('late', { trace, requestedAtMs });
  await until(trace, 1);
  expect(names(trace)).toEqual([`process ${onBroker('prediction.scored.v1')}`]);
  await oneMore('expired', () => tell('late', {}));
  await until(trace, 8);
  expect(named(trace, `process ${onBroker('prediction.requested.v1')}`)).toMatchObject({ spanId: trace.spanId, startMs: requestedAtMs + 4 });
  expect(named(trace, 'outcome').attributes['throughline.outcome.delay_seconds']).toBeGreaterThan(20 * 86_400);
  // The ledger's own span, live and told anew, is one and the same.
  expect(new Set(of(trace).filter(({ name }) => name === `process ${onBroker('prediction.scored.v1')}`).map(({ spanId }) => spanId)).size).toBe(1);
});

it('within the backend’s retention the spans of a sampled prediction are not told twice', async () => {
  const trace = context(true);
  await predict('sampled', { trace });
  await written('sampled');
  await oneMore('live', () => tell('sampled', { value: false }));
  await until(trace, 2);
  await ledger.telemetry.flush();
  expect(names(trace)).toEqual(['outcome', `process ${onBroker('prediction.scored.v1')}`]);
});

it('a correction is one more outcome, and brings those before it along', async () => {
  const trace = context(false);
  const [id] = chosen(2, false).slice(1);
  await predict(id!, { trace });
  await written(id!);
  await oneMore('dropped', () => tell(id!, {}));
  await oneMore('wrong', () => tell(id!, { value: false, sequence: 1 }));
  await until(trace, 8);
  const outcomes = of(trace).filter(({ name }) => name === 'outcome');
  expect(outcomes.map(({ attributes }) => [attributes['throughline.outcome.correct'], attributes['throughline.outcome.correction'] ?? false, attributes['throughline.outcome.superseded'] ?? false]).toSorted()).toEqual([[false, true, false], [true, false, true]]);
  expect(new Set(outcomes.map(({ spanId }) => spanId)).size).toBe(2);
});

it('an outcome that came first is told when the prediction shows up; copies of either tell nothing', async () => {
  const trace = context(false);
  await tell('early', { value: false });
  await eventually('the outcome', async () => (await home.sql('SELECT 1 FROM outcome WHERE subject_id = $1', [idOf('early')])).length === 1);
  await predict('early', { trace });
  await until(trace, 7);
  const last = context(false);
  await predict('early', { trace });
  await tell('early', { value: false });
  await predict('fence', { trace: last });
  await written('fence');
  await tell('fence', { value: false });
  await until(last, 7);
  expect(names(trace)).toEqual([...scoringSpans(), 'outcome'].toSorted());
});

it('POST …/trace tells the whole story again under the same ids, with every outcome and what each became', async () => {
  const trace = context(true);
  await predict('again', { trace, requestedAtMs: Date.now() - DAY_MS });
  await written('again');
  const publisher = context(false);
  await oneMore('live', () => tell('again', { value: false, publisher, occurredAtMs: Date.now() - 1000 }));
  await oneMore('live', () => tell('again', { value: true, sequence: 1 }));
  await ledger.telemetry.flush();
  const before = of(trace);
  const response = await fetch(`${ledger.url}/ledger/v1/predictions/${idOf('again')}/trace`, { method: 'POST' });
  expect([response.status, await response.json()]).toEqual([200, { predictionId: idOf('again'), traceId: trace.traceId, spanId: trace.spanId, spans: 8, outcomes: 2 }]);
  await until(trace, before.length + 8);
  const anew = of(trace).slice(before.length);
  expect(anew.map(({ name }) => name).toSorted()).toEqual([...scoringSpans(), 'outcome', 'outcome'].toSorted());
  expect(anew.every(({ attributes }) => attributes['throughline.reconstructed'] === true)).toBe(true);
  const ids = (spans: readonly ReceivedSpan[]): string[] => spans.filter(({ name }) => name === 'outcome').map(({ spanId, startMs, links }) => JSON.stringify([spanId, startMs, links])).toSorted();
  expect(ids(anew)).toEqual(ids(before));
});

it('a rejected request has its trace, too; what the ledger does not have has none', async () => {
  const trace = context(false);
  await home.publish('prediction.rejected.v1', [{ data: rejected('refused', { reason: MARKERS.entity, version: '3' }), traceparent: formatTraceparent(trace) }]);
  await written('refused');
  const post = (id: string) => fetch(`${ledger.url}/ledger/v1/predictions/${id}/trace`, { method: 'POST' });
  expect(await (await post(idOf('refused'))).json()).toMatchObject({ traceId: trace.traceId, spans: 3, outcomes: 0 });
  await until(trace, 3);
  expect(named(trace, `process ${onBroker('prediction.requested.v1')}`)).toMatchObject({ error: 'feature_missing', attributes: { 'throughline.error.code': 'feature_missing', 'throughline.model.version': '3' } });
  expect([(await post(idOf('nobody'))).status, (await post('x')).status]).toEqual([404, 400]);
});

it('where old traces are disliked, a late outcome has a trace of its own; so many predictions a second are told, and no more', async () => {
  await ledger.close();
  ledger = await home.startLedger({ ...home.env, OUTCOME_IN_TRACE: '1h', TRACE_KEEP_PER_SECOND: '2' });
  const [late, timely] = [context(true), context(true)];
  const [sampledPublisher, unsampledPublisher] = [context(true), context(false)];
  await predict('own-1', { trace: late, requestedAtMs: Date.now() - 2 * 3_600_000 });
  await predict('own-2', { trace: late, requestedAtMs: Date.now() - 2 * 3_600_000 });
  await predict('own-3', { trace: timely });
  await Promise.all(['own-1', 'own-2', 'own-3'].map(written));
  await tell('own-1', { publisher: sampledPublisher });
  await tell('own-2', { publisher: unsampledPublisher });
  await tell('own-3', {});
  const link = { traceId: late.traceId, spanId: late.spanId };
  const isOwn = ({ name, attributes }: ReceivedSpan): boolean => name === 'outcome' && attributes['throughline.prediction.id'] === idOf('own-2');
  await seen(() => of(sampledPublisher).length === 2 && receiver.spans.some(isOwn) && names(timely).includes('outcome'));
  const below = named(sampledPublisher, 'outcome');
  expect(below).toMatchObject({ parentSpanId: sampledPublisher.spanId, links: [link] });
  expect(named(sampledPublisher, `process ${onBroker('outcome.observed.v1')}`).links).toEqual([{ traceId: sampledPublisher.traceId, spanId: below.spanId }]);
  expect(receiver.spans.find(isOwn)).toMatchObject({ parentSpanId: undefined, links: [link, { traceId: unsampledPublisher.traceId, spanId: unsampledPublisher.spanId }] });
  expect(names(late)).not.toContain('outcome');

  const burst = Array.from({ length: 20 }, (_, index) => ({ id: `burst-${index}`, trace: context(false) }));
  await Promise.all(burst.map(({ id, trace }) => predict(id, { trace })));
  await Promise.all(burst.map(({ id }) => written(id)));
  const before = (await counted('wrong')) + (await counted('over_bound'));
  await Promise.all(burst.map(({ id }) => tell(id, { value: false })));
  await eventually('all decided', async () => (await counted('wrong')) + (await counted('over_bound')) === before + burst.length);
  await ledger.telemetry.flush();
  expect(await counted('over_bound')).toBeGreaterThan(5);
});

it('no feature value, output, entity, key, reason or sender’s id is in any span', async () => {
  const trace = context(false);
  const over = { entities: { origin: MARKERS.entity }, routingKey: MARKERS.routingKey, features: { values: [MARKERS.feature] }, outputs: { probability: [MARKERS.output] }, score: 0.75 };
  await predict(MARKERS.requestId, { trace, over });
  await written(MARKERS.requestId);
  await fetch(`${ledger.url}/ledger/v1/predictions/${idOf(MARKERS.requestId)}/trace`, { method: 'POST' });
  await until(trace, 6);
  for (const marker of Object.values(MARKERS)) expect(receiver.text()).not.toContain(String(marker));
});

it('never puts no outcome into its prediction’s trace; without an endpoint the problem says what to set', async () => {
  await ledger.close();
  ledger = await home.startLedger({ ...home.env, OUTCOME_IN_TRACE: 'never' });
  const trace = context(false);
  await predict('never', { trace });
  await written('never');
  await tell('never', { value: false });
  const isOwn = ({ name, attributes }: ReceivedSpan): boolean => name === 'outcome' && attributes['throughline.prediction.id'] === idOf('never');
  await seen(() => receiver.spans.some(isOwn) && of(trace).length === 6);
  expect(receiver.spans.find(isOwn)!.links).toEqual([{ traceId: trace.traceId, spanId: trace.spanId }]);
  expect(names(trace)).toEqual(scoringSpans().toSorted());
  await ledger.close();
  ledger = await home.startLedger({ ...home.env, OTEL_EXPORTER_OTLP_ENDPOINT: '' });
  const refused = await fetch(`${ledger.url}/ledger/v1/predictions/${idOf('never')}/trace`, { method: 'POST' });
  expect([refused.status, await refused.json()]).toEqual([409, expect.objectContaining({ code: 'not_configured', detail: expect.stringContaining('OTEL_EXPORTER_OTLP_ENDPOINT'), cure: expect.stringContaining('OTEL_EXPORTER_OTLP_ENDPOINT') })]);
});
