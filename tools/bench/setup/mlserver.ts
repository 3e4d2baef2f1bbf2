import { freePort, repositoryRoot } from '@throughline/local-stack';
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { inferBody, MODEL, type Message } from './requests.ts';
import { untilReady } from './worker.ts';

const COMMAND = join(repositoryRoot, '.throughline/mlserver/venv/bin/mlserver');

export const isMlserverInstalled = (): boolean => existsSync(COMMAND);

export interface MlserverOptions {
  readonly topicIn: string;
  readonly topicOut: string;
  /** Rows that its adaptive batching may gather; absent: none is done, its default. */
  readonly maxBatchSize?: number;
}

/** MLServer as a Kafka and a REST server in one process (inline, which is faster here than its worker processes), without access logs. */
export async function startMlserver(bench: Bench, { topicIn, topicOut, maxBatchSize }: MlserverOptions): Promise<ChildProcess> {
  const [port] = bench.ports;
  // It warns where the folder is not called as the model.
  const folder = join(bench.home, MODEL);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  copyFileSync(new URL('../mlserver/runtime.py', import.meta.url), join(folder, 'runtime.py'));
  const logging = { version: 1, disable_existing_loggers: false, root: { level: 'ERROR' }, loggers: Object.fromEntries(['mlserver', 'mlserver.kafka', 'uvicorn', 'uvicorn.access'].map((name) => [name, { level: 'ERROR', propagate: false }])) };
  const settings = {
    host: '127.0.0.1', http_port: port, grpc_port: await freePort(), metrics_port: await freePort(), parallel_workers: 0, debug: false, gzip_enabled: false,
    logging_settings: logging, kafka_enabled: true, kafka_servers: bench.broker.brokers, kafka_topic_input: topicIn, kafka_topic_output: topicOut,
  };
  const model = { name: MODEL, implementation: 'runtime.OnnxModel', parameters: { uri: bench.model.path }, ...(maxBatchSize !== undefined && { max_batch_size: maxBatchSize, max_batch_time: 0.005 }) };
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  writeFileSync(join(folder, 'model-settings.json'), JSON.stringify(model));
  const logFile = join(bench.home, 'mlserver.log');
  const log = openSync(logFile, 'w');
  const child = spawn(COMMAND, ['start', folder], { cwd: folder, stdio: ['ignore', log, log], env: { ...process.env, OMP_NUM_THREADS: '1', PYTHONPATH: folder } });
  closeSync(log);
  await untilReady(child, `http://127.0.0.1:${port}/v2/health/ready`, logFile);
  return child;
}

/** The same row as MLServer takes it from a topic: the protocol's body, its model in a header. */
export function mlserverSource(): (index: number) => Message {
  const bodies = Array.from({ length: 1000 }, (_, index) => inferBody(index));
  return (index) => ({ key: String(index), value: bodies[index % bodies.length]!, headers: { 'mlserver-model': MODEL } });
}
