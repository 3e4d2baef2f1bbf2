import { randomBytes } from 'node:crypto';
import { logisticRegressionGraph } from '@throughline/onnx';
import { eventually } from '@throughline/local-stack';
import { startPlatform, type Running } from '../e2e/platform.ts';

/** The names that the examples of /openapi.json use: what they say must be there. */
const MODEL = 'flight-delay';
const FEATURES = ['hour', 'distance'];

export interface Deployed extends Running {
  /** A prediction that was answered and is on record. */
  readonly predictionId: string;
}

/** The whole platform, on the Kafka and PostgreSQL of the test run, with what the examples speak of: a model with two versions, of which one serves, a feature view, and an answer on record. */
export async function startDeployed(): Promise<Deployed> {
  const name = `openapi${randomBytes(4).toString('hex')}`;
  const { KAFKA_BROKERS, DATABASE_URL } = process.env;
  const platform = await startPlatform(['--no-demo'], { KAFKA_BROKERS, DATABASE_URL, KAFKA_TOPIC_PREFIX: `${name}.`, DATABASE_SCHEMA_PREFIX: `${name}_` });
  try {
    await untilOk(() => fetch(`${platform.origin}/health/ready`), 180_000);
    return Object.assign(platform, { predictionId: await deploy(platform.origin) });
  } catch (error) {
    platform.child.kill('SIGTERM');
    throw new Error(`the platform said:\n${platform.output().slice(-4000)}`, { cause: error });
  }
}

async function deploy(origin: string): Promise<string> {
  const model = `${origin}/registry/v1/models/${MODEL}`;
  await upload(`${model}/versions`, 0.1);
  await upload(`${model}/versions`, 0.2);
  await expectOk(await send('PUT', `${model}/aliases/champion`, { version: '1', reason: 'it is the first' }));
  await expectOk(await send('PUT', `${origin}/features/v1/views/airport_traffic`, { entityType: 'airport', features: [{ name: 'mean_delay_1h', event: 'flight_departed', aggregate: 'mean', field: 'delayMinutes', windowSeconds: 3600, default: 0 }] }));
  const body = { id: 'my-request', inputs: FEATURES.map((name) => ({ name, shape: [1], datatype: 'FP32', data: [7] })) };
  const answer = await untilOk(() => send('POST', `${origin}/v2/models/${MODEL}/infer`, body), 90_000);
  const [predictionId] = ((await answer.json()) as { parameters: { prediction_ids: [string] } }).parameters.prediction_ids;
  await untilOk(() => fetch(`${origin}/ledger/v1/predictions/${predictionId}`), 30_000);
  return predictionId;
}

async function upload(url: string, weight: number): Promise<void> {
  const artifact = logisticRegressionGraph({ weights: [weight, weight], bias: -1, mean: [0, 0], scale: [1, 1], featureNames: FEATURES });
  const form = new FormData();
  form.set('metadata', JSON.stringify({
    features: FEATURES.map((name) => ({ name, kind: 'numeric' })), task: 'binary_classification', score: { output: 'probability', index: 0, threshold: 0.5 },
    dataset: { id: 'flights-2001-01' }, codeCommit: '0123abc', metrics: { auc: 0.7 },
  }));
  form.set('artifact', new Blob([artifact as Uint8Array<ArrayBuffer>]), 'model.onnx');
  await expectOk(await fetch(url, { method: 'POST', body: form }));
}

const send = (method: string, url: string, body: unknown): Promise<Response> =>
  fetch(url, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

async function expectOk(response: Response): Promise<void> {
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
}

/** Asks until the answer is a good one. */
async function untilOk(ask: () => Promise<Response>, withinMs: number): Promise<Response> {
  let last: Response | undefined;
  const isOk = async (): Promise<boolean> => {
    last = await ask().catch(() => undefined);
    return last?.ok === true;
  };
  if (!(await eventually(isOk, withinMs))) throw new Error(`no good answer within ${withinMs} ms; the last: ${last === undefined ? 'none' : `${last.status} ${await last.text()}`}`);
  return last!;
}
