import { encodeEvent } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { startOtlpReceiver, type OtlpReceiver } from '@throughline/telemetry/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Installation } from '../testing/installation.js';
import { logistic, numeric, signature } from '../testing/models.js';

const features = [numeric('hour')];
const TRACE = 'a'.repeat(32);
const PRODUCER = 'b'.repeat(16);

let receiver: OtlpReceiver;
let installation: Installation;
let worker: RunningService;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  installation = await Installation.create();
  await installation.deploy({ model: 'flights', revision: 1, champion: installation.version('1', logistic(features), signature(features)) });
  worker = await installation.startWorker({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, TRACE_SAMPLE_RATIO: '0' });
}, 60_000);

afterAll(async () => {
  await worker?.close();
  await installation?.close();
  await receiver?.close();
});

const send = (id: string, traceparent?: string) =>
  installation.send({ topic: 'prediction.requested.v1', key: id, ...encodeEvent('prediction.requested.v1', { id, source: '/test', timeMs: 0, traceparent, data: { model: 'flights', features: { hour: 4711 } } }) });

it('records a sampled prediction as a child of the producer’s span, under the id that the answer announces, with a child a stage', async () => {
  await send('unsampled', `00-${'c'.repeat(32)}-${PRODUCER}-00`);
  await send('without');
  await send('sampled', `00-${TRACE}-${PRODUCER}-01`);
  const scored = await installation.answers.scoredOf('sampled');
  const spans = await receiver.until((received) => received.length >= 5);

  const { traceparent } = installation.answers.scored.find(({ data }) => data === scored)!;
  const process = spans.find(({ parentSpanId }) => parentSpanId === PRODUCER)!;
  expect(`00-${process.traceId}-${process.spanId}-01`).toBe(traceparent);
  expect(process).toMatchObject({ name: `process ${installation.env['KAFKA_TOPIC_PREFIX']}prediction.requested.v1`, kind: 5 });
  const children = spans.filter(({ parentSpanId }) => parentSpanId === process.spanId);
  expect(children.map(({ name }) => name)).toEqual(['fetch features', 'queue', 'compute', `send ${installation.env['KAFKA_TOPIC_PREFIX']}prediction.scored.v1`]);
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
  for (const [index, { startMs }] of children.entries()) expect(startMs).toBeGreaterThanOrEqual((children[index - 1]?.endMs ?? process.startMs) - 0.01);
  expect(children.at(-1)!.endMs).toBe(process.endMs);
  expect(process.attributes).toMatchObject({ 'throughline.prediction.id': scored.predictionId, 'throughline.model.name': 'flights', 'throughline.model.version': '1' });
  // Feature values stay out of traces.
  expect(receiver.text()).not.toContain('4711');
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
