import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { median, type Throughput } from './measure.ts';
import type { Latency } from './open-loop.ts';

export interface Results {
  readonly root: string;
  readonly rounds: {
    readonly fixedEcho: Throughput[];
    readonly equalEcho: Throughput[];
    readonly worker: Throughput[];
    readonly bareWorker: Throughput[];
    /** Rows a second of ONNX Runtime alone. */
    readonly onnx: number[];
  };
  readonly latency: { readonly worker: Latency; readonly bareWorker: Latency };
  readonly scoredBytes: number;
  readonly count: number;
  readonly features: number;
}

/** Prints the table and keeps it, with the raw figures, under `benchmarks/`. */
export function publish({ root, rounds, latency, scoredBytes, count, features }: Results): void {
  const rate = (runs: Throughput[]): number => median(runs.map(({ messagesPerSecond }) => messagesPerSecond));
  const cpu = (runs: Throughput[]): number => median(runs.map(({ cpuMicrosPerMessage }) => cpuMicrosPerMessage));
  const limit = rate(rounds.equalEcho);
  const row = (name: string, runs: Throughput[]): string =>
    `| ${name} | ${Math.round(rate(runs)).toLocaleString('en')} | ${cpu(runs).toFixed(1)} | ${(rate(runs) / limit).toFixed(2)} |`;
  const ms = (value: number): string => value.toFixed(1);
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, broker on the same machine`;
  const table = [
    `Machine: ${machine}. ${count.toLocaleString('en')} messages a run, median of ${rounds.worker.length} rounds; requests with ${features} features, answers of ${scoredBytes} bytes.`,
    '',
    '| what | messages/s | CPU µs each | of the echo of equal bytes |',
    '|---|---|---|---|',
    row('echo, 400 bytes, no headers', rounds.fixedEcho),
    row('echo of equal bytes, two headers', rounds.equalEcho),
    row('bare worker (parse, score, publish)', rounds.bareWorker),
    row('**inference worker**', rounds.worker),
    `| bare ONNX Runtime, batches of 32, no Kafka | ${Math.round(median(rounds.onnx)).toLocaleString('en')} | | ${(median(rounds.onnx) / limit).toFixed(2)} |`,
    '',
    '| open loop at 1,000/s | p50 ms | p99 ms | p99.9 ms | answered |',
    '|---|---|---|---|---|',
    ...Object.entries(latency).map(([name, { p50Ms, p99Ms, p999Ms, sent, received }]) => `| ${name === 'worker' ? '**inference worker**' : 'bare worker'} | ${ms(p50Ms)} | ${ms(p99Ms)} | ${ms(p999Ms)} | ${received} of ${sent} |`),
    `| ratio | ${(latency.worker.p50Ms / latency.bareWorker.p50Ms).toFixed(2)} | ${(latency.worker.p99Ms / latency.bareWorker.p99Ms).toFixed(2)} | | |`,
  ].join('\n');
  console.log(table);
  mkdirSync(join(root, 'benchmarks'), { recursive: true });
  writeFileSync(join(root, 'benchmarks', 'worker.json'), `${JSON.stringify({ machine, count, scoredBytes, rounds, latency }, null, 2)}\n`);
  writeFileSync(join(root, 'benchmarks', 'worker.md'), `${table}\n`);
}

