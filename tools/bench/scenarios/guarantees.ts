import { startScript } from '../measure/processes.ts';
import { spreadOf } from '../measure/statistics.ts';
import { throughputOf, type Throughput } from '../measure/throughput.ts';
import { count, paragraphs, table } from '../report/format.ts';
import type { Scenario } from '../scenario.ts';
import type { Guarantee, GuaranteeOptions } from '../children/guarantee-loop.ts';
import type { Bench } from '../setup/bench.ts';
import { deploymentOf } from '../setup/models.ts';
import { requestSource } from '../setup/requests.ts';
import { startSpanSink, type SpanSink } from '../setup/span-sink.ts';
import { startWorker } from '../setup/worker.ts';

interface Variant {
  readonly name: string;
  readonly guarantees: readonly Guarantee[] | 'worker';
  /** Of the worker; absent: no span leaves it. */
  readonly sampleRatio?: number;
  /** Whose cost is subtracted, when it is not the one before. */
  readonly beside?: number;
}

const WORKER = 7;

/** Each with all before it. */
const VARIANTS: readonly Variant[] = [
  { name: 'bare loop: consume, parse, score, publish', guarantees: [] },
  { name: '+ validation against the schema', guarantees: ['validation'] },
  { name: '+ envelope, identity (any of three forms; UUIDv5)', guarantees: ['validation', 'envelope'] },
  { name: '+ features by name, with defaults and checks', guarantees: ['validation', 'envelope', 'features'] },
  { name: '+ answer as an event: version, role, timings, trace context', guarantees: ['validation', 'envelope', 'features', 'answer'] },
  { name: '+ features as used in the answer', guarantees: ['validation', 'envelope', 'features', 'answer', 'features-as-used'] },
  { name: '+ acknowledged in order, committed behind it, bounded, dead letters (the bus)', guarantees: ['validation', 'envelope', 'features', 'answer', 'features-as-used', 'acknowledgement'] },
  { name: 'the worker: + order per key, deadlines, fair turns, splits, fallbacks, metrics', guarantees: 'worker' },
  { name: '+ tracing, 1 % sampled (the default)', guarantees: 'worker', sampleRatio: 0.01 },
  { name: '+ tracing, all sampled', guarantees: 'worker', sampleRatio: 1, beside: WORKER },
];

export const guarantees: Scenario = {
  name: 'guarantees',
  title: 'What each guarantee costs',
  plan: ({ rounds, messages }) => ({ steps: rounds * VARIANTS.length, secondsPerStep: 3 + messages / 35_000 }),
  run: async (bench, step) => {
    const results = VARIANTS.map(({ name }) => ({ name, runs: [] as Throughput[] }));
    const sink = await startSpanSink();
    for (let round = 0; round < bench.sizes.rounds; round++) {
      for (const [at, variant] of VARIANTS.entries()) {
        step(`round ${round + 1}: ${variant.name}`);
        results[at]!.runs.push(await measure(bench, variant, sink));
      }
    }
    sink.close();
    const micros = results.map(({ runs }) => spreadOf(runs.map(({ cpuMicrosPerMessage }) => cpuMicrosPerMessage)));
    const [bare, worker] = [micros[0]!, micros[WORKER]!];
    return {
      figures: [{ what: 'Cost of each guarantee', measured: `${bare.min.toFixed(1)} µs CPU a message for a bare loop, ${worker.min.toFixed(1)} for the worker; see benchmarks/guarantees.md`, target: 'a table' }],
      markdown: paragraphs(
        `CPU microseconds of the measured process for each message, ${count(bench.sizes.messages)} messages, least of ${bench.sizes.rounds} rounds (whatever else runs only adds), and the most. Each line has the guarantees of all lines above it; the difference is to the line above (for all sampled: to the worker without tracing). The loop is a bare client and the libraries that the worker is made of; the bus encodes its records itself, which is cheaper than the bare client does it. Where all is sampled, the queue of spans is full most of the time and drops (counted); an exported span costs more.`,
        table(['', 'CPU µs', 'most', 'difference', 'messages/s'], results.map(({ name, runs }, at) => [name, micros[at]!.min.toFixed(1), micros[at]!.max.toFixed(1), at === 0 ? '' : signed(micros[at]!.min - micros[VARIANTS[at]!.beside ?? at - 1]!.min), count(spreadOf(runs.map(({ messagesPerSecond }) => messagesPerSecond)).median)])),
      ),
      raw: { messages: bench.sizes.messages, results },
    };
  },
};

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;

async function measure(bench: Bench, { guarantees: chosen, sampleRatio }: Variant, sink: SpanSink): Promise<Throughput> {
  const installation = await bench.installation();
  const [from, to] = [installation.topic('prediction.requested.v1'), installation.topic('prediction.scored.v1')];
  await installation.fill(from, bench.sizes.messages, requestSource('all-features'));
  await installation.deploy(deploymentOf({ artifact: bench.model, revision: 1 }));
  const options = { client: 'kafkajs', brokers: bench.broker.brokers, group: `loop-${installation.prefix}`, prefix: installation.prefix, from, to, modelPath: bench.model.path } as const;
  const env: Record<string, string> = sampleRatio === undefined ? {} : { TRACE_SAMPLE_RATIO: String(sampleRatio), OTEL_EXPORTER_OTLP_ENDPOINT: sink.url };
  const starting = chosen === 'worker' ? startWorker(bench, { prefix: installation.prefix, env }) : startScript('guarantee-loop.ts', { ...options, guarantees: chosen } satisfies GuaranteeOptions);
  const measured = await bench.within(starting, (child) => throughputOf(child, bench.admin, to, bench.sizes.messages));
  await installation.remove();
  return measured;
}
