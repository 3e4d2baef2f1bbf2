import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { encodeEvent } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Installation } from '../testing/installation.js';
import { logistic, numeric, signature } from '../testing/models.js';

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}
interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

const features = [numeric('hour')];
const TRACE = 'a'.repeat(32);
const PRODUCER = 'b'.repeat(16);

let collector: Server;
const spans: Span[] = [];
let installation: Installation;
let worker: RunningService;

beforeAll(async () => {
  collector = createServer(async (request, response) => {
    const { resourceSpans } = (await json(request)) as Export;
    spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  installation = await Installation.create();
  await installation.deploy({ model: 'flights', revision: 1, champion: installation.version('1', logistic(features), signature(features)) });
  worker = await installation.startWorker({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`, TRACE_SAMPLE_RATIO: '0' });
}, 60_000);

afterAll(async () => {
  await worker?.close();
  await installation?.close();
  collector?.close();
  collector?.closeAllConnections();
});

const send = (id: string, traceparent?: string) =>
  installation.send({ topic: 'prediction.requested.v1', key: id, ...encodeEvent('prediction.requested.v1', { id, source: '/test', timeMs: 0, traceparent, data: { model: 'flights', features: { hour: 4711 } } }) });

it('records a sampled prediction as a child of the producer’s span, under the id that the answer announces, with a child a stage', async () => {
  await send('unsampled', `00-${'c'.repeat(32)}-${PRODUCER}-00`);
  await send('without');
  await send('sampled', `00-${TRACE}-${PRODUCER}-01`);
  const scored = await installation.answers.scoredOf('sampled');
  await expect.poll(() => spans.length, { timeout: 10_000 }).toBe(5);

  const { traceparent } = installation.answers.scored.find(({ data }) => data === scored)!;
  const process = spans.find(({ parentSpanId }) => parentSpanId === PRODUCER)!;
  expect(`00-${process.traceId}-${process.spanId}-01`).toBe(traceparent);
  expect(process).toMatchObject({ name: `process ${installation.env['KAFKA_TOPIC_PREFIX']}prediction.requested.v1`, kind: 5 });
  const children = spans.filter(({ parentSpanId }) => parentSpanId === process.spanId);
  expect(children.map(({ name }) => name)).toEqual(['queue', 'fetch features', 'compute', 'record']);
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
  const attributes = Object.fromEntries(process.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
  expect(attributes).toMatchObject({ 'throughline.prediction.id': scored.predictionId, 'throughline.model.name': 'flights', 'throughline.model.version': '1' });
  // Feature values stay out of traces.
  expect(JSON.stringify(spans)).not.toContain('4711');
});

it('gives an answer without a trace of its request one of its own, unsampled here', async () => {
  await installation.answers.scoredOf('without');
  const { traceparent } = installation.answers.scored.find(({ data }) => data.requestId === 'without')!;
  expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
});

it('counts predictions by model, version and outcome', async () => {
  await installation.send({ topic: 'prediction.requested.v1', key: 'k', value: JSON.stringify({ model: 'nobody' }) });
  await installation.answers.until('the rejection', () => installation.answers.rejected.length === 1);
  const metrics = async (): Promise<string> => (await fetch(`${worker.url}/metrics`)).text();
  await expect.poll(metrics).toMatch(/throughline_predictions_total\{[^}]*model="flights",version="1",role="champion",lane="stream",state="scored"[^}]*\} 3/);
  await expect.poll(metrics).toMatch(/throughline_rejections_total\{[^}]*model="none",code="unknown_model",lane="stream"[^}]*\} 1/);
});
