/**
 * The least a real-time endpoint can be: a Fastify route that parses an Open Inference Protocol body, scores its one row and answers when the brokers
 * have acknowledged a record of it. What gathers while one send is in flight is the next one; nothing is validated, nothing else is recorded.
 */
import fastify from 'fastify';
import { Kafka, logLevel, type Message } from 'kafkajs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { optionsOf } from './chunks.ts';

export interface HttpRouteOptions {
  readonly brokers: string;
  readonly to: string;
  readonly port: number;
  readonly path: string;
  readonly modelPath: string;
  readonly features: number;
  /** Size of the record, with two headers; absent: what was scored and nothing more, no headers. */
  readonly recordBytes?: number;
}

const options = optionsOf<HttpRouteOptions>();
const session = await InferenceSession.create(options.modelPath, { intraOpNumThreads: 1, interOpNumThreads: 1 });
const [input = '', output = ''] = [session.inputNames[0], session.outputNames[0]];
const producer = new Kafka({ brokers: options.brokers.split(','), logLevel: logLevel.ERROR }).producer({ idempotent: false });
await producer.connect();

let gathered: { message: Message; acknowledged: () => void }[] = [];
let isSending = false;

const record = (message: Message): Promise<void> =>
  new Promise((acknowledged) => {
    gathered.push({ message, acknowledged });
    if (!isSending) void sendGathered();
  });

async function sendGathered(): Promise<void> {
  isSending = true;
  while (gathered.length > 0) {
    const batch = gathered;
    gathered = [];
    await producer.send({ topic: options.to, acks: -1, messages: batch.map(({ message }) => message) });
    for (const { acknowledged } of batch) acknowledged();
  }
  isSending = false;
}

const filler = options.recordBytes === undefined ? undefined : Buffer.alloc(options.recordBytes, 'x');
const headers = { 'content-type': 'application/cloudevents+json', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00` };
let requests = 0;

const app = fastify();
app.post<{ Body: { inputs: [{ data: number[] }] } }>(options.path, async ({ body }) => {
  const id = String(++requests);
  const rows = Float32Array.from(body.inputs[0].data);
  const score = ((await session.run({ [input]: new Tensor('float32', rows, [1, options.features]) }))[output]!.data as Float32Array)[0];
  await record(filler === undefined ? { key: id, value: JSON.stringify({ id, score }) } : { key: id, value: filler, headers });
  return { id, model_name: 'bare', outputs: [{ name: output, shape: [1, 1], datatype: 'FP32', data: [score] }] };
});
await app.listen({ host: '127.0.0.1', port: options.port });
process.send?.('ready');
