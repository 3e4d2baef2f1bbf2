/**
 * What the clients cost behind the port: consume, decode, validate, produce the same number of 400-byte messages, acks=all, commit; each in a
 * process of its own, in alternating rounds on the same broker. Prints a table for docs/adr/0008.
 *
 *     KAFKA_BROKERS=… node libs/bus/bench/echo-loop.ts
 */
import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { encodeEvent } from '@throughline/contracts';
import { createBus, type BusSettings } from '../dist/index.js';

const COUNT = Number(process.env['BENCH_MESSAGES'] ?? 200_000);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
const IN = 'feature.observed.v1';
const OUT = 'outcome.observed.v1';
const HEADERS = { 'content-type': 'application/cloudevents+json', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00` };
const CLIENTS = ['kafkajs', 'platformatic'] as const;
const VARIANTS = [0, 2] as const;

interface Task {
  readonly settings: BusSettings;
  readonly group: string;
  readonly headers: (typeof VARIANTS)[number];
}

interface Measured {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly rssMb: number;
}

function message(index: number): { topic: typeof IN; key: string; value: string; headers: Record<string, string> } {
  const occurredAt = new Date(Date.UTC(2026, 0, 1) + index).toISOString();
  const data = { event: 'seen', entityType: 'airport', entityId: `entity-${index % 1_000}`, values: { n: index, note: 'x'.repeat(80) }, occurredAt };
  return { topic: IN, key: `entity-${index % 1_000}`, ...encodeEvent(IN, { id: String(index), source: '/bench', timeMs: index, data }) };
}

/** Echoes what is there, then says what it took. */
async function echo({ settings, group, headers }: Task): Promise<void> {
  const bus = createBus(settings);
  let done = 0;
  let startedMs = 0;
  let startedCpu = process.cpuUsage();
  const filler = 'x'.repeat(400);
  const finished = Promise.withResolvers<void>();
  await bus.subscribe({
    topic: IN,
    group,
    maxBatchSize: 500,
    maxInFlightBatches: 6,
    handler: async ({ events }) => {
      if (startedMs === 0) {
        startedMs = performance.now();
        startedCpu = process.cpuUsage();
      }
      await bus.producer.sendAll(
        events.map(({ message: { key } }) => ({ topic: OUT, key: key!, value: filler, ...(headers === 2 ? { headers: HEADERS } : {}) })),
      );
      done += events.length;
      if (done >= COUNT) finished.resolve();
    },
  });
  await finished.promise;
  const seconds = (performance.now() - startedMs) / 1_000;
  const { user, system } = process.cpuUsage(startedCpu);
  process.send!({ perSecond: done / seconds, cpuMicros: (user + system) / done, rssMb: process.memoryUsage.rss() / 1e6 } satisfies Measured);
  await bus.close();
  process.disconnect();
}

function measure(task: Task): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [import.meta.filename, JSON.stringify(task)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    child.on('message', (measured) => resolve(measured as Measured));
    child.on('exit', (code) => reject(new Error(`ended with ${code} before it had measured anything`)));
  });
}

async function main(): Promise<void> {
  const settings: BusSettings = { KAFKA_BROKERS: process.env['KAFKA_BROKERS']!.split(','), KAFKA_TOPIC_PREFIX: `bench-${randomUUID().slice(0, 8)}.` };
  const bus = createBus(settings);
  await bus.admin.createTopics();
  for (let from = 0; from < COUNT; from += 1_000) await bus.producer.sendAll(Array.from({ length: 1_000 }, (_, index) => message(from + index)));
  await bus.close();
  const results = new Map<string, Measured[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const headers of VARIANTS) {
      for (const client of round % 2 === 0 ? CLIENTS : CLIENTS.toReversed()) {
        const measured = await measure({ settings: { ...settings, KAFKA_CLIENT: client }, group: `echo-${client}-${headers}-${round}`, headers });
        process.stderr.write(
          `${client}, ${headers} headers out: ${Math.round(measured.perSecond)}/s, ${measured.cpuMicros.toFixed(1)} µs, ${Math.round(measured.rssMb)} MB\n`,
        );
        const key = `${client}, ${headers} headers out`;
        results.set(key, [...(results.get(key) ?? []), measured]);
      }
    }
  }
  const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
  process.stdout.write(`| ${COUNT} messages, ${ROUNDS} rounds, medians | messages/s | CPU µs a message | resident MB |\n| --- | --- | --- | --- |\n`);
  for (const [name, rounds] of results) {
    const of = (pick: (one: Measured) => number): number => median(rounds.map(pick));
    process.stdout.write(
      `| ${name} | ${Math.round(of(({ perSecond }) => perSecond))} | ${of(({ cpuMicros }) => cpuMicros).toFixed(1)} | ${Math.round(of(({ rssMb }) => rssMb))} |\n`,
    );
  }
}

const task = process.argv[2];
await (task === undefined ? main() : echo(JSON.parse(task) as Task));
