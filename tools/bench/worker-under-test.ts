import { encodeEvent, type ModelDeployment } from '@throughline/contracts';
import { sha256Hex } from '@throughline/onnx';
import type { Kafka } from 'kafkajs';
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export const MODEL = 'bench-gbdt';

/** Serves the one artifact as the registry would, so that the worker fetches, verifies and warms it in its ordinary way. */
export async function serveArtifact(bytes: Uint8Array): Promise<{ url: string; sha256: string; server: Server }> {
  const sha256 = sha256Hex(bytes);
  const server = createServer((request, response) => {
    if (request.url?.endsWith(sha256)) response.end(Buffer.from(bytes));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sha256, server };
}

/** Publishes the deployment of the benchmark's model, as the registry would. */
export async function publishDeployment(kafka: Kafka, topicPrefix: string, sha256: string, sizeBytes: number, featureNames: readonly string[]): Promise<void> {
  const data: ModelDeployment = {
    model: MODEL, revision: 1, updatedAt: new Date().toISOString(), challengers: [], shadows: [],
    champion: {
      version: '1', artifactSha256: sha256, sizeBytes,
      signature: {
        inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, featureNames.length] }],
        outputs: [{ name: 'probability', datatype: 'FP32', shape: [-1, 1] }],
        features: featureNames.map((name) => ({ name, kind: 'numeric' })),
        task: 'regression', score: { output: 'probability', index: 0 },
      },
    },
  };
  const producer = kafka.producer({ idempotent: false });
  await producer.connect();
  const { value, headers } = encodeEvent('model.deployment.v1', { id: 'bench', source: '/bench', timeMs: Date.now(), data });
  await producer.send({ topic: `${topicPrefix}model.deployment.v1`, acks: -1, messages: [{ key: MODEL, value, headers }] });
  await producer.disconnect();
}

export interface WorkerOptions {
  readonly brokers: string;
  readonly topicPrefix: string;
  readonly registryUrl: string;
  readonly home: string;
  readonly port: number;
}

/** Starts the real worker as users run it and waits until it says that it is ready. */
export async function startWorker({ brokers, topicPrefix, registryUrl, home, port }: WorkerOptions): Promise<ChildProcess> {
  const main = new URL('../../apps/inference-worker/dist/main.js', import.meta.url);
  const child = spawn(process.execPath, [main.pathname], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env, KAFKA_BROKERS: brokers, KAFKA_TOPIC_PREFIX: topicPrefix, REGISTRY_URL: registryUrl, THROUGHLINE_HOME: home,
      PORT: String(port), HOST: '127.0.0.1', LOG_LEVEL: 'warn',
    },
  });
  const deadlineMs = Date.now() + 60_000;
  while (Date.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`the worker ended with ${child.exitCode}`);
    const ready = await fetch(`http://127.0.0.1:${port}/health/ready`).then((response) => response.ok, () => false);
    if (ready) return child;
    await delay(50);
  }
  child.kill('SIGKILL');
  throw new Error('the worker was not ready after 60 s');
}
