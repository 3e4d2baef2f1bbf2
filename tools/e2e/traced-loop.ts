import { encodeEvent, type EventData, type EventTopic } from '@throughline/contracts';
import { eventually } from '@throughline/local-stack';
import { logisticRegressionGraph } from '@throughline/onnx';
import { formatTraceparent, messagingAttributes, newSpanId, newTraceId, recordSpan, SPANS, type TraceContext } from '@throughline/telemetry';
import type { Services } from './services.ts';

/** Who asks and who tells, as the specs play it. */
export const SOURCE = '/shop/checkout';
export const MODEL = 'flight-delay';
const FEATURES = ['hour', 'distance'] as const;
export type Features = Readonly<Record<(typeof FEATURES)[number], number>>;

export interface Story {
  readonly request: { readonly requestedAt: string; readonly occurredAt: string };
  readonly answer: { readonly answeredAt: string; readonly artifactSha256: string; readonly score: number };
  readonly outcome: object | null;
  readonly trace: TraceContext;
}

export const newContext = (sampled: boolean): TraceContext => ({ traceId: newTraceId(), spanId: newSpanId(), sampled });

/** Uploads and promotes a logistic regression whose score is above a half when the features add up to more than one. */
export async function deployModel(registry: string): Promise<void> {
  const artifact = logisticRegressionGraph({ weights: [1, 1], bias: -1, mean: [0, 0], scale: [1, 1], featureNames: FEATURES });
  const form = new FormData();
  form.set(
    'metadata',
    JSON.stringify({
      features: FEATURES.map((name) => ({ name, kind: 'numeric' })), task: 'binary_classification', score: { output: 'probability', index: 0, threshold: 0.5 },
      dataset: { snapshotId: 'test' }, codeCommit: 'test', metrics: { auc: 0.5 },
    }),
  );
  form.set('artifact', new Blob([artifact as Uint8Array<ArrayBuffer>]), 'model.onnx');
  const model = `${registry}/registry/v1/models/${MODEL}`;
  await succeeded(await fetch(`${model}/versions`, { method: 'POST', body: form }));
  await succeeded(await fetch(`${model}/aliases/champion`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ version: '1' }) }));
}

async function succeeded(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Publishes as a producer with tracing of its own does: its `send` span is what the header announces. */
export async function publish<T extends EventTopic>(services: Services, topic: T, { id, key, context, data }: { id: string; key: string; context: TraceContext; data: EventData<T> }): Promise<void> {
  const startMs = Date.now();
  await services.bus.producer.send({ topic, key, ...encodeEvent(topic, { id, source: SOURCE, timeMs: startMs, traceparent: formatTraceparent(context), data }) });
  const onBroker = services.topicPrefix + topic;
  recordSpan({ name: SPANS.send(onBroker), kind: 'producer', context, startMs, endMs: Date.now(), attributes: messagingAttributes('send', onBroker) });
}

/** Asks a worker over HTTP, as below the span of `context`; answers with the prediction's id. */
export async function infer(worker: string, { features, context, parameters = {} }: { features: Features; context: TraceContext; parameters?: object }): Promise<string> {
  const response = await fetch(`${worker}/v2/models/${MODEL}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: formatTraceparent(context) },
    body: JSON.stringify({ inputs: FEATURES.map((name) => ({ name, shape: [1], datatype: 'FP32', data: [features[name]] })), parameters }),
  });
  return ((await succeeded(response)) as { parameters: { prediction_ids: string[] } }).parameters.prediction_ids[0]!;
}

/** What the ledger has written down, once it has. */
export async function storyOf(ledger: string, id: string, isTold: (story: Story) => boolean = () => true): Promise<Story> {
  let story: Story | undefined;
  const isFound = await eventually(async () => {
    const response = await fetch(`${ledger}/ledger/v1/predictions/${id}`);
    story = response.ok ? ((await response.json()) as Story) : undefined;
    return story !== undefined && isTold(story);
  }, 30_000);
  if (!isFound) throw new Error(`the ledger does not tell the story of ${id}: ${JSON.stringify(story)}`);
  return story!;
}
