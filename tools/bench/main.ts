/** `npm run bench`: what the worker costs beside its limits, all in one run, as ratios. */
import { encodeEvent, TOPICS, type TopicName } from '@throughline/contracts';
import { startKafka } from '@throughline/local-stack';
import { randomTreeEnsemble, gradientBoostedTreesGraph } from '@throughline/onnx';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bareOnnxRowsPerSecond } from './bare-onnx.ts';
import { throughputOf, type Throughput } from './measure.ts';
import { openLoop } from './open-loop.ts';
import { startScript, stop } from './processes.ts';
import { publish } from './report.ts';
import { MODEL, publishDeployment, serveArtifact, startWorker } from './worker-under-test.ts';

const FEATURES = 30;
const COUNT = Number(process.env['BENCH_MESSAGES'] ?? 100_000);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const LATENCY_SECONDS = Number(process.env['BENCH_LATENCY_SECONDS'] ?? 10);
const root = new URL('../../', import.meta.url).pathname;
const home = join(root, '.throughline', 'bench');
const WORKER_PORT = 3991;

const say = (text: string): void => console.error(`  ${text}`);
const featureNames = Array.from({ length: FEATURES }, (_, index) => `feature_${index}`);

/** A request as a producer would send it: structured CloudEvent, 30 named features. Deterministic, so that every round sends the same bytes. */
function request(index: number): { key: string; value: string; headers: Record<string, string> } {
  const features = Object.fromEntries(featureNames.map((name, column) => [name, Math.round(Math.sin(index * 31 + column) * 1e6) / 1e6]));
  const { value, headers } = encodeEvent('prediction.requested.v1', { id: String(index), source: '/bench', timeMs: 981_173_106_000 + index, data: { model: MODEL, features } });
  return { key: String(index), value, headers };
}

async function createTopic(admin: Admin, topic: string, numPartitions: number, compact = false): Promise<void> {
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions, configEntries: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }, ...(compact ? [{ name: 'cleanup.policy', value: 'compact' }] : [])] }],
  });
}

async function fill(kafka: Kafka, topic: string, message: (index: number) => { key: string; value: string | Buffer; headers?: Record<string, string> }): Promise<void> {
  const producer = kafka.producer({ idempotent: false });
  await producer.connect();
  for (let start = 0; start < COUNT; start += 1000) {
    await producer.send({ topic, acks: 1, messages: Array.from({ length: Math.min(1000, COUNT - start) }, (_, offset) => message(start + offset)) });
  }
  await producer.disconnect();
}

async function main(): Promise<void> {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  say('starting Kafka …');
  const local = await startKafka({ home, port: 0, onProgress: () => {} });
  const kafka = new Kafka({ brokers: [local.brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const model = gradientBoostedTreesGraph(randomTreeEnsemble({ trees: 200, depth: 5, features: FEATURES, seed: 7 }));
  const modelPath = join(home, 'model.onnx');
  writeFileSync(modelPath, model);
  const artifact = await serveArtifact(model);
  const running = new Set<ChildProcess>();
  const within = async <T>(child: ChildProcess, measure: (child: ChildProcess) => Promise<T>): Promise<T> => {
    running.add(child);
    try {
      return await measure(child);
    } finally {
      running.delete(child);
      await stop(child);
    }
  };

  try {
    const rounds = { fixedEcho: [] as Throughput[], equalEcho: [] as Throughput[], worker: [] as Throughput[], bareWorker: [] as Throughput[], onnx: [] as number[] };
    let scoredBytes = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      const prefix = `r${round}.`;
      say(`round ${round} of ${ROUNDS}: filling topics with ${COUNT.toLocaleString('en')} messages …`);
      for (const name of Object.keys(TOPICS) as TopicName[]) await createTopic(admin, prefix + name, TOPICS[name].partitions, TOPICS[name].retention === 'compact');
      for (const name of ['fixed.in', 'fixed.out', 'equal.out', 'bare.out']) await createTopic(admin, prefix + name, 4);
      const requests = `${prefix}prediction.requested.v1`;
      await fill(kafka, requests, request);
      await fill(kafka, `${prefix}fixed.in`, (index) => ({ key: String(index), value: Buffer.alloc(400, 'x') }));
      await publishDeployment(kafka, prefix, artifact.sha256, model.length, featureNames);

      say('worker …');
      rounds.worker.push(await within(
        await startWorker({ brokers: local.brokers, topicPrefix: prefix, registryUrl: artifact.url, home, port: WORKER_PORT }),
        (child) => throughputOf(child, admin, `${prefix}prediction.scored.v1`, COUNT),
      ));
      scoredBytes = await meanValueBytes(kafka, `${prefix}prediction.scored.v1`);
      say(`echo of equal bytes (${scoredBytes} out) …`);
      rounds.equalEcho.push(await within(await startScript('./echo.ts', [local.brokers, `e${round}`, requests, `${prefix}equal.out`, String(scoredBytes), '2']), (child) => throughputOf(child, admin, `${prefix}equal.out`, COUNT)));
      say('fixed echo, 400 bytes …');
      rounds.fixedEcho.push(await within(await startScript('./echo.ts', [local.brokers, `f${round}`, `${prefix}fixed.in`, `${prefix}fixed.out`, '0', '0']), (child) => throughputOf(child, admin, `${prefix}fixed.out`, COUNT)));
      say('bare worker …');
      rounds.bareWorker.push(await within(await startScript('./bare-worker.ts', [local.brokers, `b${round}`, requests, `${prefix}bare.out`, modelPath, String(FEATURES)]), (child) => throughputOf(child, admin, `${prefix}bare.out`, COUNT)));
      rounds.onnx.push(await bareOnnxRowsPerSecond(modelPath, FEATURES, 32));
    }

    say(`open loop at 1,000/s for ${LATENCY_SECONDS} s: worker, then bare worker …`);
    for (const name of ['l.bare.in', 'l.bare.out']) await createTopic(admin, name, 4);
    for (const name of Object.keys(TOPICS) as TopicName[]) await createTopic(admin, `l.${name}`, TOPICS[name].partitions, TOPICS[name].retention === 'compact');
    await publishDeployment(kafka, 'l.', artifact.sha256, model.length, featureNames);
    const load = { kafka, ratePerSecond: 1000, seconds: LATENCY_SECONDS, value: (index: number) => request(index).value, headers: request(0).headers };
    const latency = {
      worker: await within(
        await startWorker({ brokers: local.brokers, topicPrefix: 'l.', registryUrl: artifact.url, home, port: WORKER_PORT }),
        () => openLoop({ ...load, requestTopic: 'l.prediction.requested.v1', resultTopic: 'l.prediction.scored.v1' }),
      ),
      bareWorker: await within(
        await startScript('./bare-worker.ts', [local.brokers, 'lb', 'l.bare.in', 'l.bare.out', modelPath, String(FEATURES)]),
        () => openLoop({ ...load, requestTopic: 'l.bare.in', resultTopic: 'l.bare.out' }),
      ),
    };
    publish({ root, rounds, latency, scoredBytes, count: COUNT, features: FEATURES });
  } finally {
    for (const child of running) child.kill('SIGKILL');
    artifact.server.close();
    await admin.disconnect();
    await local.stop();
  }
}

async function meanValueBytes(kafka: Kafka, topic: string): Promise<number> {
  const consumer = kafka.consumer({ groupId: `size-${topic}` });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const mean = await new Promise<number>((resolve) => {
    void consumer.run({ autoCommit: false, eachBatch: async ({ batch }) => resolve(Math.round(batch.messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0) / batch.messages.length)) });
  });
  await consumer.disconnect();
  return mean;
}

await main();
