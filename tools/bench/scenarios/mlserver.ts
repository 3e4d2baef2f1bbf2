import { openLoop } from '../load/open-loop.ts';
import { startScript } from '../measure/processes.ts';
import { ratiosOf, spreadOf, type Percentiles } from '../measure/statistics.ts';
import { throughputOf, type Throughput } from '../measure/throughput.ts';
import { count, ms, paragraphs, ratio, spread, table } from '../report/format.ts';
import type { Figure, Scenario, Step } from '../scenario.ts';
import type { Bench } from '../setup/bench.ts';
import type { Installation } from '../setup/installation.ts';
import { isMlserverInstalled, mlserverSource, startMlserver } from '../setup/mlserver.ts';
import { deploymentOf } from '../setup/models.ts';
import { requestSource } from '../setup/requests.ts';
import { startWorker } from '../setup/worker.ts';
import { inferPath, saturate, type Saturation } from './http.ts';

const RATE = 1000;
const WARM_UP_SECONDS = 3;
const CONNECTIONS = [16, 64] as const;
/** MLServer takes its time; so many are enough to measure it. */
const SHARE_OF_MESSAGES = 0.1;
const THROUGHPUT_TARGET = 10;
const P99_TARGET = 1.25;

const CONTENDERS = ['MLServer', 'MLServer, adaptive batching', 'worker'] as const;
type Contender = (typeof CONTENDERS)[number];
type Rest = Partial<Record<(typeof CONNECTIONS)[number], Saturation>>;

interface Rounds {
  readonly saturated: Throughput[];
  readonly openLoop: (Percentiles & { readonly sent: number; readonly answered: number })[];
  readonly rest: Rest[];
}

export const mlserver: Scenario = {
  name: 'mlserver',
  title: 'Beside MLServer',
  plan: ({ rounds, seconds }) => ({ steps: rounds * CONTENDERS.length, secondsPerStep: 25 + 2 * seconds + 2 * (seconds + WARM_UP_SECONDS) }),
  whyNot: () => (isMlserverInstalled() ? undefined : 'MLServer is not installed; tools/bench/mlserver/setup.sh installs it (Python 3.9 to 3.12)'),
  run: async (bench, step) => {
    const load = await bench.keep(startScript('http-load.ts', {}));
    const results = Object.fromEntries(CONTENDERS.map((contender) => [contender, { saturated: [], openLoop: [], rest: [] }])) as unknown as Record<Contender, Rounds>;
    for (let round = 0; round < bench.sizes.rounds; round++) {
      for (const contender of round % 2 === 0 ? CONTENDERS : CONTENDERS.toReversed()) await measure({ bench, step, load, round, contender, rounds: results[contender] });
    }
    await bench.end(load);
    return { figures: figuresOf(results), markdown: render(bench, results), raw: { ratePerSecond: RATE, results } };
  },
};

interface Round {
  readonly bench: Bench;
  readonly step: Step;
  readonly load: Awaited<ReturnType<typeof startScript>>;
  readonly round: number;
  readonly contender: Contender;
  readonly rounds: Rounds;
}

async function measure({ bench, step, load, round, contender, rounds }: Round): Promise<void> {
  step(`round ${round + 1}: ${contender}`);
  const isWorker = contender === 'worker';
  const request = isWorker ? requestSource('all-features') : mlserverSource();
  if (isWorker) rounds.saturated.push(await saturateWorker(bench));
  const installation = await deployed(bench);
  const [requestTopic, resultTopic] = [installation.topic('prediction.requested.v1'), installation.topic('prediction.scored.v1')];
  await bench.within(start(bench, installation, contender), async (child) => {
    const run = await openLoop({
      kafka: bench.kafka, requestTopic, resultTopic, request, ratePerSecond: RATE, seconds: WARM_UP_SECONDS + bench.sizes.seconds,
      ...(!isWorker && { indexOf: ({ key }) => Number(key?.toString()) }),
    });
    rounds.openLoop.push({ ...run.percentiles(WARM_UP_SECONDS), sent: run.total, answered: run.answered });
    if (!isWorker) {
      const messages = Math.round(bench.sizes.messages * SHARE_OF_MESSAGES);
      // It reads only what comes after its start; and takes all that there is before it answers any, so that all of it must be measured.
      const [saturated] = await Promise.all([throughputOf(child, bench.admin, resultTopic, messages, { before: run.answered }), installation.fill(requestTopic, messages, request)]);
      rounds.saturated.push(saturated);
    }
    const rest: Rest = {};
    for (const connections of CONNECTIONS) rest[connections] = await saturate(bench, load, child.pid!, `http://127.0.0.1:${bench.ports[0]}${inferPath}`, connections);
    rounds.rest.push(rest);
  });
  await installation.remove();
}

/** From a topic that was filled before, as a group that starts finds it. */
async function saturateWorker(bench: Bench): Promise<Throughput> {
  const installation = await deployed(bench);
  await installation.fill(installation.topic('prediction.requested.v1'), bench.sizes.messages, requestSource('all-features'));
  const measured = await bench.within(startWorker(bench, { prefix: installation.prefix }), (child) => throughputOf(child, bench.admin, installation.topic('prediction.scored.v1'), bench.sizes.messages));
  await installation.remove();
  return measured;
}

async function deployed(bench: Bench): Promise<Installation> {
  const installation = await bench.installation();
  await installation.deploy(deploymentOf({ artifact: bench.model, revision: 1 }));
  return installation;
}

function start(bench: Bench, installation: Installation, contender: Contender): ReturnType<typeof startWorker> {
  if (contender === 'worker') return startWorker(bench, { prefix: installation.prefix });
  const topics = { topicIn: installation.topic('prediction.requested.v1'), topicOut: installation.topic('prediction.scored.v1') };
  return startMlserver(bench, contender === 'MLServer' ? topics : { ...topics, maxBatchSize: 64 });
}

const rates = ({ saturated }: Rounds): number[] => saturated.map(({ messagesPerSecond }) => messagesPerSecond);
const restRates = ({ rest }: Rounds, connections: (typeof CONNECTIONS)[number]): number[] => rest.map((one) => one[connections]!.requestsPerSecond);

/** Whichever way of running MLServer does better. */
const best = (results: Record<Contender, Rounds>, measured: (rounds: Rounds) => number[], isBetter: (a: number, b: number) => boolean): number[] => {
  const [plain, batching] = [measured(results.MLServer), measured(results['MLServer, adaptive batching'])];
  return isBetter(spreadOf(plain).median, spreadOf(batching).median) ? plain : batching;
};
const more = (a: number, b: number): boolean => a > b;
const less = (a: number, b: number): boolean => a < b;

function figuresOf(results: Record<Contender, Rounds>): Figure[] {
  const throughput = ratiosOf(rates(results.worker), best(results, rates, more));
  const percentile = (name: 'p50Ms' | 'p99Ms') => {
    const read = ({ openLoop }: Rounds): number[] => openLoop.map((one) => one[name]);
    return ratiosOf(read(results.worker), best(results, read, less));
  };
  const [p50, p99] = [percentile('p50Ms'), percentile('p99Ms')];
  const rest = ratiosOf(restRates(results.worker, 64), best(results, (rounds) => restRates(rounds, 64), more));
  return [
    { what: 'Against MLServer on the same Kafka and ONNX: predictions/s', measured: `${spread(throughput, (value) => value.toFixed(1))} ×`, target: `≥ ${THROUGHPUT_TARGET} ×`, isMet: throughput.median >= THROUGHPUT_TARGET },
    { what: `Against MLServer, open loop at ${count(RATE)}/s: p50`, measured: `${spread(p50, ratio)} ×`, target: '≤ 1 ×', isMet: p50.median <= 1 },
    { what: `Against MLServer, open loop at ${count(RATE)}/s: p99`, measured: `${spread(p99, ratio)} ×`, target: `≤ ${P99_TARGET} ×`, isMet: p99.median <= P99_TARGET },
    { what: 'Against MLServer’s REST, 64 connections: requests/s', measured: `${spread(rest, (value) => value.toFixed(1))} ×`, target: 'published' },
  ];
}

function render(bench: Bench, results: Record<Contender, Rounds>): string {
  const rows = CONTENDERS.map((contender) => {
    const { openLoop, saturated } = results[contender];
    const percentile = (name: 'p50Ms' | 'p99Ms'): string => spread(spreadOf(openLoop.map((one) => one[name])), ms);
    const restCells = CONNECTIONS.flatMap((connections) => [spread(spreadOf(restRates(results[contender], connections)), count), spread(spreadOf(results[contender].rest.map((one) => one[connections]!.p99Ms)), ms)]);
    return [contender, spread(spreadOf(rates(results[contender])), count), spread(spreadOf(saturated.map(({ cpuMicrosPerMessage }) => cpuMicrosPerMessage)), count), percentile('p50Ms'), percentile('p99Ms'), ...restCells];
  });
  return paragraphs(
    `MLServer 1.7.1 in one process (its inline mode), logs off, the same ONNX file on ONNX Runtime with one thread, a runtime of ${'`tools/bench/mlserver/runtime.py`'}; with and without its adaptive batching (64 rows, 5 ms), the figures take whichever does better. It reads without a consumer group, commits nothing and has no dead letters. Requests are each server’s own: named features in a CloudEvent for the worker, a matrix in the Open Inference Protocol for MLServer; over HTTP the same body for both, and the worker’s answer waits for its record. ${bench.sizes.rounds} rounds; median (least–most).`,
    table(['', 'Kafka, messages/s', 'CPU µs each', `Kafka at ${count(RATE)}/s, p50 ms`, 'p99 ms', ...CONNECTIONS.flatMap((connections) => [`HTTP, ${connections} connections, requests/s`, 'p99 ms'])], rows),
  );
}
