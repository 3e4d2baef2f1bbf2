/**
 * The limit of this machine: consume, produce the same number of messages of a given size, acks=all, on a bare client.
 * Run by the benchmark as a process of its own; arguments: brokers, group, topic in, topic out, bytes out, headers out.
 */
import { Kafka, logLevel } from 'kafkajs';

const [brokers = '', groupId = '', from = '', to = '', bytesOut = '0', headersOut = '0'] = process.argv.slice(2);
const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.ERROR });
const producer = kafka.producer({ idempotent: false });
const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 5 });
const filler = Number(bytesOut) > 0 ? Buffer.alloc(Number(bytesOut), 'x') : null;
const headers = headersOut === '2' ? { 'content-type': 'application/cloudevents+json', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00` } : undefined;

await producer.connect();
await consumer.connect();
await consumer.subscribe({ topics: [from], fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: false,
  eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
    for (let start = 0; start < batch.messages.length; start += 500) {
      const chunk = batch.messages.slice(start, start + 500);
      const messages = chunk.map((message) => ({ key: message.key, value: filler ?? message.value, ...(headers && { headers }) }));
      await producer.send({ topic: to, acks: -1, messages });
      resolveOffset(chunk.at(-1)!.offset);
      await heartbeat();
    }
  },
});
process.send?.('ready');
