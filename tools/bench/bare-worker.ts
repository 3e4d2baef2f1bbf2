/**
 * The least a worker can be: consume, parse, score, publish; no validation, no features as used, no acknowledgement kept in order, no commit.
 * Arguments: brokers, group, topic in, topic out, path of the ONNX file, number of features.
 */
import { Kafka, logLevel } from 'kafkajs';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [brokers = '', groupId = '', from = '', to = '', modelPath = '', width = '30'] = process.argv.slice(2);
const features = Number(width);
const session = await InferenceSession.create(modelPath, { intraOpNumThreads: 1, interOpNumThreads: 1 });
const [input = '', output = ''] = [session.inputNames[0], session.outputNames[0]];
const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.ERROR });
const producer = kafka.producer({ idempotent: false });
const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 5 });

await producer.connect();
await consumer.connect();
await consumer.subscribe({ topics: [from], fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: false,
  eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
    for (let start = 0; start < batch.messages.length; start += 500) {
      const chunk = batch.messages.slice(start, start + 500);
      const rows = new Float32Array(chunk.length * features);
      chunk.forEach((message, row) => rows.set(Object.values((JSON.parse(message.value!.toString()) as { data: { features: Record<string, number> } }).data.features), row * features));
      const scores = (await session.run({ [input]: new Tensor('float32', rows, [chunk.length, features]) }))[output]!.data as Float32Array;
      await producer.send({ topic: to, acks: -1, messages: chunk.map((message, row) => ({ key: message.key, value: JSON.stringify({ id: message.offset, score: scores[row] }), ...(message.headers && { headers: message.headers }) })) });
      resolveOffset(chunk.at(-1)!.offset);
      await heartbeat();
    }
  },
});
process.send?.('ready');
