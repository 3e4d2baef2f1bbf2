import type { ModelDeployment } from '@throughline/contracts';
import { countersOf } from '../measure/counters.ts';
import { ratiosOf, spreadOf } from '../measure/statistics.ts';
import { throughputOf, type Throughput } from '../measure/throughput.ts';
import { count, paragraphs, ratio, spread, table } from '../report/format.ts';
import type { Outcome, Scenario, Step } from '../scenario.ts';
import type { Bench } from '../setup/bench.ts';
import { startDatabase } from '../setup/database.ts';
import { answeredId, outcomeMessage } from '../setup/ledger-events.ts';
import { ledgerSchema, startLedger } from '../setup/ledger.ts';
import { deploymentOf } from '../setup/models.ts';
import { requestSource } from '../setup/requests.ts';
import { startSpanSink, type SpanSink } from '../setup/span-sink.ts';
import { startWorker } from '../setup/worker.ts';

const TARGET = 0.95;
/** To tell five per cent from none on noisy cores takes more rounds than other ratios do. */
const TIMES_ROUNDS = 4;
/** One request in so many has its outcome waiting for it: the join comes with the answer. */
const OUTCOME_EVERY = 10;

interface Variant {
  readonly name: string;
  /** Of the worker; absent: no endpoint is set, nowhere. */
  readonly sampleRatio?: number;
  /** A ledger reads the answers, joins outcomes, and tells the stories that its policy keeps. */
  readonly withLedger: boolean;
  /** The variant that it is compared with. */
  readonly beside: number;
  /** Costs so much that the usual rounds show it. */
  readonly isPlain?: boolean;
}

const VARIANTS = [
  { name: 'worker alone, no endpoint', withLedger: false, beside: 0 },
  { name: 'worker alone, 1 % sampled', withLedger: false, sampleRatio: 0.01, beside: 0 },
  { name: 'worker alone, all sampled', withLedger: false, sampleRatio: 1, beside: 0, isPlain: true },
  { name: 'beside a ledger, no endpoint', withLedger: true, beside: 3 },
  { name: '**beside a ledger, 1 % sampled, and outcome-based sampling**', withLedger: true, sampleRatio: 0.01, beside: 3 },
  { name: 'beside a ledger, all sampled', withLedger: true, sampleRatio: 1, beside: 3, isPlain: true },
] satisfies readonly Variant[];
const [ALL_ALONE, BOTH, ALL_BESIDE] = [2, 4, 5];

interface Run extends Throughput {
  /** Of spans that arrived, a prediction. */
  readonly spanBytes: number;
  readonly dropped: Record<string, number>;
  /** What the ledger decided of joined predictions. */
  readonly decided: Record<string, number>;
}

export const tracing: Scenario = {
  name: 'tracing',
  title: 'What tracing costs the worker',
  plan: ({ rounds, messages }) => ({ steps: rounds * VARIANTS.reduce((sum, { isPlain }) => sum + (isPlain ? 1 : TIMES_ROUNDS), 0), secondsPerStep: 6 + messages / 15_000 }),
  run: async (bench, step) => {
    const database = await startDatabase(bench, 'tracing-database');
    const sink = await startSpanSink();
    const pool = database.pool('public', 1);
    try {
      return outcomeOf(bench, await measureAll({ bench, sink, databaseUrl: database.url, drop: async (schema) => void (await pool.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)) }, step));
    } finally {
      sink.close();
      await database.stop();
    }
  },
};

interface Stage {
  readonly bench: Bench;
  readonly sink: SpanSink;
  readonly databaseUrl: string;
  readonly drop: (schema: string) => Promise<void>;
}

async function measureAll(stage: Stage, step: Step): Promise<Run[][]> {
  const { rounds } = stage.bench.sizes;
  const runs: Run[][] = VARIANTS.map(() => []);
  for (let round = 0; round < rounds * TIMES_ROUNDS; round++) {
    const order = [...VARIANTS.entries()].filter(([, { isPlain }]) => !isPlain || round < rounds);
    // None is always measured on the younger broker.
    for (const [at, variant] of round % 2 === 0 ? order : order.toReversed()) {
      step(`round ${round + 1}: ${variant.name.replaceAll('*', '')}`);
      runs[at]!.push(await measure(stage, variant, `t${round}_${at}_`));
    }
  }
  return runs;
}

async function measure({ bench, sink, databaseUrl, drop }: Stage, { sampleRatio, withLedger }: Variant, schemaPrefix: string): Promise<Run> {
  const { messages } = bench.sizes;
  const [port, ledgerPort] = bench.ports;
  const installation = await bench.installation();
  await installation.fill(installation.topic('prediction.requested.v1'), messages, requestSource('all-features'));
  await installation.fill(installation.topic('outcome.observed.v1'), withLedger ? Math.floor(messages / OUTCOME_EVERY) : 0, (index) => outcomeMessage(answeredId(index * OUTCOME_EVERY), index));
  await installation.deploy(decidingDeployment(bench));
  const env: Record<string, string> = sampleRatio === undefined ? {} : { TRACE_SAMPLE_RATIO: String(sampleRatio), OTEL_EXPORTER_OTLP_ENDPOINT: sink.url };
  const ledger = withLedger ? await bench.keep(startLedger(bench, { prefix: installation.prefix, schemaPrefix, databaseUrl, port: ledgerPort, env })) : undefined;
  const before = sink.bytes();
  try {
    return await bench.within(startWorker(bench, { prefix: installation.prefix, port, env }), async (child) => {
      const measured = await throughputOf(child, bench.admin, installation.topic('prediction.scored.v1'), messages);
      return {
        ...measured, spanBytes: (sink.bytes() - before) / messages, dropped: await countersOf(`http://127.0.0.1:${port}`, 'throughline_spans_dropped_total', 'reason'),
        decided: withLedger ? await countersOf(`http://127.0.0.1:${ledgerPort}`, 'throughline_ledger_traces_total', 'result') : {},
      };
    });
  } finally {
    if (ledger !== undefined) await bench.end(ledger);
    await drop(ledgerSchema(schemaPrefix));
    await installation.remove();
  }
}

/** With a threshold, so that outcomes can be wrong. */
function decidingDeployment(bench: Bench): ModelDeployment {
  const deployment = deploymentOf({ artifact: bench.model, revision: 1 });
  const champion = deployment.champion!;
  return { ...deployment, champion: { ...champion, signature: { ...champion.signature, task: 'binary_classification', score: { output: 'probability', index: 0, threshold: 0.5 } } } };
}

const rates = (runs: readonly Run[]): number[] => runs.map(({ messagesPerSecond }) => messagesPerSecond);
const micros = (runs: readonly Run[]): number[] => runs.map(({ cpuMicrosPerMessage }) => cpuMicrosPerMessage);
const most = (runs: readonly Run[], of: (run: Run) => Record<string, number>): string =>
  [...new Set(runs.flatMap((run) => Object.keys(of(run))))].toSorted().map((key) => `${key} ${count(Math.max(...runs.map((run) => of(run)[key] ?? 0)))}`).join(', ');

function outcomeOf(bench: Bench, runs: readonly Run[][]): Outcome {
  const against = (at: number, values: (runs: readonly Run[]) => number[]) => ratiosOf(values(runs[at]!), values(runs[VARIANTS[at]!.beside]!));
  const kept = against(BOTH, rates);
  const cpu = against(BOTH, micros);
  const rows = VARIANTS.map(({ name, beside }, at) => [
    name, spread(spreadOf(rates(runs[at]!)), count), at === beside ? '' : spread(against(at, rates), ratio), spread(spreadOf(micros(runs[at]!)), (value) => value.toFixed(1)), at === beside ? '' : spread(against(at, micros), ratio),
    count(spreadOf(runs[at]!.map(({ spanBytes }) => spanBytes)).median), most(runs[at]!, ({ dropped }) => dropped), most(runs[at]!, ({ decided }) => decided),
  ]);
  const all = { alone: against(ALL_ALONE, rates), beside: against(ALL_BESIDE, rates) };
  return {
    figures: [
      { what: 'Worker’s throughput with tracing on (1 % sampled, and outcome-based sampling by a ledger beside it), against the same without', measured: `${spread(kept, ratio)}; its CPU time a prediction × ${spread(cpu, ratio)}`, target: `≥ ${TARGET}`, isMet: kept.median >= TARGET },
      { what: 'The same with every prediction sampled; of a worker without a ledger beside it', measured: `${spread(all.beside, ratio)}; ${spread(all.alone, ratio)}`, target: 'published' },
    ],
    markdown: paragraphs(
      `${count(bench.sizes.messages)} predictions a measurement, ${runs[0]!.length} rounds, ${runs[ALL_ALONE]!.length} of those that sample all, each round all variants in turn; median (least–most), ratios round by round to the variant without an endpoint. Spans go to an endpoint that takes and forgets them, on the same machine. The ledger joins an outcome to one prediction in ${OUTCOME_EVERY} as its answer arrives; with an endpoint it records the stories of those that its default policy keeps. It shares the cores with the worker, with tracing and without. Where all is sampled, the queue of spans is full most of the time: what is dropped costs less than what is exported.`,
      table(['', 'messages/s', 'of that without', 'worker’s CPU µs each', 'of that without', 'bytes of spans each', 'spans dropped by the worker, at most', 'joins by what became of their trace, at most'], rows),
    ),
    raw: { messages: bench.sizes.messages, outcomeEvery: OUTCOME_EVERY, results: VARIANTS.map(({ name }, at) => ({ name, runs: runs[at] })) },
  };
}
