import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { deployment, outcome, scored } from './testing/events.js';
import { eventually, install, type Installation } from './testing/installation.js';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { key: string; value: Record<string, unknown> }[];
  readonly links: readonly { traceId: string; spanId: string }[];
}

let home: Installation;
let receiver: Server;
const spans: Span[] = [];

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
      spans.push(...body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      response.setHeader('content-type', 'application/json').end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  home = await install({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}` });
  await home.publish('model.deployment.v1', [{ data: deployment() }]);
  await home.startLedger();
});
afterAll(async () => {
  await home.close();
  receiver.close();
});

const SCORING = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const PUBLISHER = { traceId: '1bf7651916cd43dd8448eb211c80319d', spanId: 'c7ad6b7169203332' };
const header = ({ traceId, spanId }: typeof SCORING, sampled: boolean): string => `00-${traceId}-${spanId}-0${Number(sampled)}`;
const attribute = (span: Span, key: string): unknown => Object.values(span.attributes.find((one) => one.key === key)?.value ?? {})[0];

it('the outcome is a span of the prediction’s own trace, at its true time, linked with the trace of its publisher', async () => {
  const requestedAt = new Date(Date.now() - 3_600_000).toISOString();
  const occurredAt = new Date(Date.now() - 60_000).toISOString();
  await home.publish('prediction.scored.v1', [{ data: scored('traced', { requestedAt, occurredAt: requestedAt }), traceparent: header(SCORING, true) }]);
  await eventually('the row', async () => (await home.sql('SELECT 1 FROM prediction')).length === 1);
  await home.publish('outcome.observed.v1', [{ data: outcome('traced', { occurredAt, value: false }), traceparent: header(PUBLISHER, true) }]);
  const [told, published, ledger] = await eventually('the spans', async () => {
    const found = ['outcome', 'process outcome.observed.v1', 'process prediction.scored.v1'].map((name) => spans.find((span) => span.name === name));
    return found.every((span) => span !== undefined) && (found as Span[]);
  });
  expect(ledger).toMatchObject({ traceId: SCORING.traceId, parentSpanId: SCORING.spanId });
  expect(told).toMatchObject({ traceId: SCORING.traceId, parentSpanId: SCORING.spanId, links: [PUBLISHER] });
  expect(Number(told!.startTimeUnixNano) / 1e6).toBeCloseTo(Date.parse(occurredAt), 0);
  expect(attribute(told!, 'throughline.outcome.correct')).toBe(false);
  expect(attribute(told!, 'throughline.outcome.delay_seconds')).toBe(3540);
  expect(published).toMatchObject({ traceId: PUBLISHER.traceId, parentSpanId: PUBLISHER.spanId, links: [{ traceId: SCORING.traceId, spanId: told!.spanId }] });
});

it('in a replay, whose event times are years before, the span stands where Kafka received the outcome; an unsampled prediction has none', async () => {
  spans.length = 0;
  const beforeMs = Date.now();
  const replayed = { traceId: '2'.repeat(32), spanId: '2'.repeat(16) };
  await home.publish('prediction.scored.v1', [
    { data: scored('unsampled'), traceparent: header({ traceId: '3'.repeat(32), spanId: '3'.repeat(16) }, false) },
    { data: scored('replayed'), traceparent: header(replayed, true) },
  ]);
  await home.publish('outcome.observed.v1', [{ data: outcome('unsampled') }, { data: outcome('replayed') }]);
  const told = await eventually('the span', async () => spans.find(({ name, traceId }) => name === 'outcome' && traceId === replayed.traceId));
  expect(Number(told.startTimeUnixNano) / 1e6).toBeGreaterThan(beforeMs - 1000);
  await eventually('both joins', async () => (await home.sql('SELECT 1 FROM prediction_joined')).length === 3);
  expect(spans.filter(({ traceId }) => traceId.startsWith('3'))).toEqual([]);
});

it('no feature value, key or payload is in any span', () => {
  const text = JSON.stringify(spans);
  for (const secret of ['SFO', 'JFK', '12.5', 'probability']) expect(text).not.toContain(secret);
});
