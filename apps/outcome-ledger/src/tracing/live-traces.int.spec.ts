import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from '@throughline/telemetry/testing';
import { eventually } from '@throughline/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { deployment, outcome, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

let home: Installation;
let receiver: OtlpReceiver;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  home = await install({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint });
  await home.publish('model.deployment.v1', [{ data: deployment() }]);
  await home.startLedger();
});
afterAll(async () => {
  await home.close();
  await receiver.close();
});

const SCORING = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const PUBLISHER = { traceId: '1bf7651916cd43dd8448eb211c80319d', spanId: 'c7ad6b7169203332' };
const header = ({ traceId, spanId }: typeof SCORING, sampled: boolean): string => `00-${traceId}-${spanId}-0${Number(sampled)}`;
const processed = (topic: string): string => `process ${home.env['KAFKA_TOPIC_PREFIX']}${topic}`;

it('the outcome is a span of the prediction’s own trace, at its true time, linked with the trace of its publisher', async () => {
  const nowMs = Date.now();
  const requestedAt = new Date(nowMs - 3_600_000).toISOString();
  const occurredAt = new Date(nowMs - 60_000).toISOString();
  await home.publish('prediction.scored.v1', [{ data: scored('traced', { requestedAt, occurredAt: requestedAt }), traceparent: header(SCORING, true) }]);
  await eventually('the row', async () => (await home.sql('SELECT 1 FROM prediction')).length === 1);
  await home.publish('outcome.observed.v1', [{ data: outcome('traced', { occurredAt, value: false }), traceparent: header(PUBLISHER, true) }]);
  const names = ['outcome', processed('outcome.observed.v1'), processed('prediction.scored.v1')];
  const spans = await receiver.until((received) => names.every((name) => received.some((span) => span.name === name)));
  const [told, published, ledger] = names.map((name) => spans.find((span) => span.name === name));
  expect(ledger).toMatchObject({ traceId: SCORING.traceId, parentSpanId: SCORING.spanId });
  expect(told).toMatchObject({ traceId: SCORING.traceId, parentSpanId: SCORING.spanId, links: [PUBLISHER] });
  expect(told!.startMs).toBe(Date.parse(occurredAt));
  expect(told!.attributes).toMatchObject({ 'throughline.outcome.correct': false, 'throughline.outcome.delay_seconds': 3540 });
  expect(published).toMatchObject({ traceId: PUBLISHER.traceId, parentSpanId: PUBLISHER.spanId, links: [{ traceId: SCORING.traceId, spanId: told!.spanId }] });
});

it('in a replay, whose event times are years before, the span stands where Kafka received the outcome', async () => {
  const beforeMs = Date.now();
  const replayed = { traceId: '2'.repeat(32), spanId: '2'.repeat(16) };
  await home.publish('prediction.scored.v1', [{ data: scored('replayed'), traceparent: header(replayed, true) }]);
  await home.publish('outcome.observed.v1', [{ data: outcome('replayed') }]);
  const isTold = ({ name, traceId }: ReceivedSpan): boolean => name === 'outcome' && traceId === replayed.traceId;
  const told = (await receiver.until((spans) => spans.some(isTold))).find(isTold)!;
  expect(told.startMs).toBeGreaterThan(beforeMs - 1000);
});

it('an unsampled prediction has no spans; who publishes its outcome in a sampled trace finds the way to it by a link', async () => {
  const unsampled = { traceId: '3'.repeat(32), spanId: '3'.repeat(16) };
  const publisher = { traceId: '4'.repeat(32), spanId: '4'.repeat(16) };
  await home.publish('prediction.scored.v1', [{ data: scored('unsampled'), traceparent: header(unsampled, false) }]);
  await home.publish('outcome.observed.v1', [{ data: outcome('unsampled'), traceparent: header(publisher, true) }]);
  const isPublished = ({ traceId }: ReceivedSpan): boolean => traceId === publisher.traceId;
  const spans = await receiver.until((received) => received.some(isPublished));
  expect(spans.find(isPublished)).toMatchObject({ name: processed('outcome.observed.v1'), parentSpanId: publisher.spanId, links: [unsampled] });
  expect(spans.filter(({ traceId }) => traceId === unsampled.traceId)).toEqual([]);
});

it('no feature value, key or payload is in any span', () => {
  for (const secret of ['SFO', 'JFK', '12.5', 'probability']) expect(receiver.text()).not.toContain(secret);
});
