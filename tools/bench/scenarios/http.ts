import { httpOpenLoop, type HttpLatency } from '../load/http-open-loop.ts';
import { meanValueBytes, sampleOf } from '../measure/answers.ts';
import { ask, coresDuring, startScript } from '../measure/processes.ts';
import { ratiosOf, spreadOf } from '../measure/statistics.ts';
import { count, ms, paragraphs, ratio, spread, table } from '../report/format.ts';
import type { Figure, Scenario } from '../scenario.ts';
import type { HttpLoadAnswer, HttpLoadQuestion } from '../children/http-load.ts';
import type { HttpRouteOptions } from '../children/http-route.ts';
import type { Bench } from '../setup/bench.ts';
import type { Installation } from '../setup/installation.ts';
import { deploymentOf } from '../setup/models.ts';
import { FEATURES, inferBody, MODEL } from '../setup/requests.ts';
import { startWorker } from '../setup/worker.ts';

const OPEN_LOOP_PER_SECOND = 500;
const CONNECTIONS = 64;
const WARM_UP_SECONDS = 3;
const P50_TARGET_MS = 3;
const P99_TARGET_MS = 10;
const SATURATION_TARGET = 0.7;

const CONTENDERS = ['worker', 'bare route, record of its id and score', 'bare route, record of equal bytes'] as const;
type Contender = (typeof CONTENDERS)[number];

export interface Saturation extends HttpLoadAnswer {
  /** Kept busy meanwhile. */
  readonly cores: Readonly<Record<string, number>>;
}

interface Rounds {
  readonly openLoop: HttpLatency[];
  readonly saturated: Saturation[];
}

export const inferPath = `/v2/models/${MODEL}/infer`;
export const inferBodies = Array.from({ length: 100 }, (_, index) => inferBody(index));

export const http: Scenario = {
  name: 'http',
  title: 'Real time over HTTP',
  plan: ({ rounds, seconds }) => ({ steps: rounds * CONTENDERS.length, secondsPerStep: 2 * (seconds + WARM_UP_SECONDS) + 4 }),
  run: async (bench, step) => {
    const load = await bench.keep(startScript('http-load.ts', {}));
    const results = Object.fromEntries(CONTENDERS.map((contender) => [contender, { openLoop: [], saturated: [] }])) as unknown as Record<Contender, Rounds>;
    let recordBytes = 0;
    for (let round = 0; round < bench.sizes.rounds; round++) {
      // The worker comes first once: what its records weigh must be known.
      for (const contender of round % 2 === 0 ? CONTENDERS : CONTENDERS.toReversed()) {
        step(`round ${round + 1}: ${contender}`);
        const installation = await bench.installation();
        await bench.within(start(bench, installation, contender, recordBytes), async ({ pid }) => {
          const url = `http://127.0.0.1:${bench.ports[0]}${inferPath}`;
          results[contender].openLoop.push(await httpOpenLoop({ url, ratePerSecond: OPEN_LOOP_PER_SECOND, seconds: bench.sizes.seconds, warmUpSeconds: WARM_UP_SECONDS, bodies: inferBodies }));
          results[contender].saturated.push(await saturate(bench, load, pid!, url, CONNECTIONS));
        });
        if (contender === 'worker') recordBytes = meanValueBytes(await sampleOf(bench.kafka, installation.topic('prediction.scored.v1')));
        await installation.remove();
      }
    }
    await bench.end(load);
    return { figures: figuresOf(results), markdown: render(bench, results, recordBytes), raw: { connections: CONNECTIONS, openLoopPerSecond: OPEN_LOOP_PER_SECOND, recordBytes, results } };
  },
};

async function start(bench: Bench, installation: Installation, contender: Contender, recordBytes: number): ReturnType<typeof startWorker> {
  if (contender === 'worker') {
    await installation.deploy(deploymentOf({ artifact: bench.model, revision: 1 }));
    return startWorker(bench, { prefix: installation.prefix });
  }
  const options: HttpRouteOptions = { brokers: bench.broker.brokers, to: installation.topic('prediction.scored.v1'), port: bench.ports[0], path: inferPath, modelPath: bench.model.path, features: FEATURES };
  return startScript('http-route.ts', contender === 'bare route, record of equal bytes' ? { ...options, recordBytes } : options);
}

/** As many requests as so many connections bring, after a warm-up of the same kind; and which process kept how much of the machine busy. */
export async function saturate(bench: Bench, load: Awaited<ReturnType<typeof startScript>>, serverPid: number, url: string, connections: number): Promise<Saturation> {
  const question: HttpLoadQuestion = { url, connections, seconds: WARM_UP_SECONDS, bodies: inferBodies };
  await ask<HttpLoadAnswer>(load, question);
  const { result, cores } = await coresDuring({ server: serverPid, broker: bench.broker.pid, load: load.pid! }, () => ask<HttpLoadAnswer>(load, { ...question, seconds: bench.sizes.seconds }));
  return { ...result, cores };
}

const perSecond = ({ saturated }: Rounds): number[] => saturated.map(({ requestsPerSecond }) => requestsPerSecond);

function figuresOf(results: Record<Contender, Rounds>): Figure[] {
  const { openLoop } = results.worker;
  const p50 = spreadOf(openLoop.map(({ p50Ms }) => p50Ms));
  const p99 = spreadOf(openLoop.map(({ p99Ms }) => p99Ms));
  const bare = ratiosOf(perSecond(results.worker), perSecond(results['bare route, record of its id and score']));
  const equal = ratiosOf(perSecond(results.worker), perSecond(results['bare route, record of equal bytes']));
  return [
    { what: `HTTP at ${OPEN_LOOP_PER_SECOND}/s, record acknowledged, p50`, measured: `${spread(p50, ms)} ms`, target: `< ${P50_TARGET_MS} ms`, isMet: p50.median < P50_TARGET_MS },
    { what: `HTTP at ${OPEN_LOOP_PER_SECOND}/s, record acknowledged, p99`, measured: `${spread(p99, ms)} ms`, target: `< ${P99_TARGET_MS} ms`, isMet: p99.median < P99_TARGET_MS },
    {
      what: `HTTP, ${CONNECTIONS} connections, against a bare Fastify route with ONNX Runtime and an acknowledged produce`,
      measured: `${spread(bare, ratio)}; ${count(spreadOf(perSecond(results.worker)).median)}/s; where the bare route’s record has equal bytes ${spread(equal, ratio)}`,
      target: `≥ ${SATURATION_TARGET}`, isMet: bare.median >= SATURATION_TARGET,
    },
  ];
}

function render(bench: Bench, results: Record<Contender, Rounds>, recordBytes: number): string {
  const open = CONTENDERS.map((contender) => {
    const { openLoop } = results[contender];
    const failed = openLoop.reduce((sum, one) => sum + one.failed, 0);
    return [contender, ...(['p50Ms', 'p90Ms', 'p99Ms', 'p999Ms'] as const).map((percentile) => spread(spreadOf(openLoop.map((one) => one[percentile])), ms)), count(failed)];
  });
  const saturated = CONTENDERS.map((contender) => {
    const runs = results[contender].saturated;
    const cores = (name: string): string => spreadOf(runs.map((run) => run.cores[name]!)).median.toFixed(2);
    return [
      contender, spread(spreadOf(perSecond(results[contender])), count), spread(ratiosOf(perSecond(results.worker), perSecond(results[contender])), ratio),
      spread(spreadOf(runs.map(({ p50Ms }) => p50Ms)), ms), spread(spreadOf(runs.map(({ p99Ms }) => p99Ms)), ms), count(runs.reduce((sum, { failed }) => sum + failed, 0)), cores('server'), cores('broker'), cores('load'),
    ];
  });
  return paragraphs(
    `One row of ${FEATURES} features a request, Open Inference Protocol JSON. The bare route parses the body, scores, publishes through a producer that sends what gathered while its last send was in flight (acks=all), and answers once that is acknowledged; it validates nothing. Its record is \`{id, score}\` without headers, or as long as the worker’s (${recordBytes} bytes, two headers). ${bench.sizes.rounds} rounds in turn of ${bench.sizes.seconds} s each after ${WARM_UP_SECONDS} s of warm-up; median (least–most).`,
    table([`open loop at ${OPEN_LOOP_PER_SECOND}/s`, 'p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'failed'], open),
    table([`${CONNECTIONS} connections`, 'requests/s', 'worker’s share of it', 'p50 ms', 'p99 ms', 'failed', 'server, cores', 'broker, cores', 'load, cores'], saturated),
  );
}
