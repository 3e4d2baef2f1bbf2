import { openLoop } from '../load/open-loop.ts';
import { startScript } from '../measure/processes.ts';
import { ratiosOf, spreadOf, type Percentiles } from '../measure/statistics.ts';
import { count, ms, paragraphs, ratio, spread, table } from '../report/format.ts';
import type { Figure, Scenario } from '../scenario.ts';
import type { BareWorkerOptions } from '../children/bare-worker.ts';
import type { Bench } from '../setup/bench.ts';
import { deploymentOf } from '../setup/models.ts';
import { FEATURES, requestSource } from '../setup/requests.ts';
import { selectableClients, startWorker } from '../setup/worker.ts';

const RATES = [1000, 10_000] as const;
/** Not counted: code is compiled, groups settle. */
const WARM_UP_SECONDS = 3;
const P50_RATIO_TARGET = 1.5;
const P99_TARGET_MS: Readonly<Record<number, number>> = { 1000: 25, 10_000: 50 };

interface Measured extends Percentiles {
  readonly sent: number;
  readonly answered: number;
}

type Contender = 'bare worker' | 'worker' | 'worker, platformatic';
const contendersHere = (): readonly Contender[] => (selectableClients().length > 1 ? ['bare worker', 'worker', 'worker, platformatic'] : ['bare worker', 'worker']);

export const latency: Scenario = {
  name: 'latency',
  title: 'Latency over the topic',
  plan: ({ rounds, seconds }) => ({ steps: rounds * RATES.length * contendersHere().length, secondsPerStep: seconds + WARM_UP_SECONDS + 5 }),
  run: async (bench, step) => {
    const contenders = contendersHere();
    const results: { ratePerSecond: number; rounds: Record<string, Measured[]> }[] = [];
    for (const ratePerSecond of RATES) {
      const rounds = Object.fromEntries(contenders.map((contender) => [contender, [] as Measured[]]));
      for (let round = 0; round < bench.sizes.rounds; round++) {
        for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
          step(`${count(ratePerSecond)}/s, round ${round + 1}: ${contender}`);
          rounds[contender]!.push(await measure(bench, contender, ratePerSecond));
        }
      }
      results.push({ ratePerSecond, rounds });
    }
    return { figures: results.flatMap(({ ratePerSecond, rounds }) => figuresOf(ratePerSecond, rounds)), markdown: render(bench, results), raw: { seconds: bench.sizes.seconds, results } };
  },
};

async function measure(bench: Bench, contender: Contender, ratePerSecond: number): Promise<Measured> {
  const installation = await bench.installation();
  await installation.deploy(deploymentOf({ artifact: bench.model, revision: 1 }));
  const requestTopic = installation.topic('prediction.requested.v1');
  const resultTopic = installation.topic('prediction.scored.v1');
  const bare = { client: 'kafkajs', brokers: bench.broker.brokers, group: `bare-${installation.prefix}`, from: requestTopic, to: resultTopic, modelPath: bench.model.path, features: FEATURES } satisfies BareWorkerOptions;
  const starting = contender === 'bare worker' ? startScript('bare-worker.ts', bare) : startWorker(bench, { prefix: installation.prefix, client: contender === 'worker' ? 'kafkajs' : 'platformatic' });
  const run = await bench.within(starting, () => openLoop({ kafka: bench.kafka, requestTopic, resultTopic, ratePerSecond, seconds: WARM_UP_SECONDS + bench.sizes.seconds, request: requestSource('all-features') }));
  await installation.remove();
  return { ...run.percentiles(WARM_UP_SECONDS), sent: run.total, answered: run.answered };
}

function figuresOf(ratePerSecond: number, rounds: Record<string, readonly Measured[]>): Figure[] {
  const worker = rounds['worker']!;
  const p99 = spreadOf(worker.map(({ p99Ms }) => p99Ms));
  const p50 = spreadOf(worker.map(({ p50Ms }) => p50Ms));
  const p50Ratio = ratiosOf(worker.map(({ p50Ms }) => p50Ms), rounds['bare worker']!.map(({ p50Ms }) => p50Ms));
  const target = P99_TARGET_MS[ratePerSecond]!;
  const tail: Figure = { what: `Topic at ${count(ratePerSecond)}/s, p99`, measured: `${spread(p99, ms)} ms`, target: `< ${target} ms`, isMet: p99.median < target };
  if (ratePerSecond !== RATES[0]) return [tail];
  return [{ what: `Topic at ${count(ratePerSecond)}/s, p50 beside a bare worker’s`, measured: `${spread(p50Ratio, ratio)}; ${ms(p50.median)} ms`, target: `≤ ${P50_RATIO_TARGET}`, isMet: p50Ratio.median <= P50_RATIO_TARGET }, tail];
}

function render(bench: Bench, results: readonly { ratePerSecond: number; rounds: Record<string, readonly Measured[]> }[]): string {
  const rows = results.flatMap(({ ratePerSecond, rounds }) =>
    Object.entries(rounds).map(([contender, measured]) => [
      `${count(ratePerSecond)}/s`, contender,
      ...(['p50Ms', 'p90Ms', 'p99Ms', 'p999Ms'] as const).map((percentile) => spread(spreadOf(measured.map((one) => one[percentile])), ms)),
      spread(ratiosOf(measured.map(({ p50Ms }) => p50Ms), rounds['bare worker']!.map(({ p50Ms }) => p50Ms)), ratio),
      `${count(measured.reduce((sum, { answered }) => sum + answered, 0))} of ${count(measured.reduce((sum, { sent }) => sum + sent, 0))}`,
    ]),
  );
  return paragraphs(
    `Open loop: requests leave on schedule, latency counts from when each should have left (no coordinated omission). ${bench.sizes.rounds} rounds of ${bench.sizes.seconds} s in turn, each with fresh processes and ${WARM_UP_SECONDS} s of warm-up; median of the rounds (least–most), milliseconds. The load generator, the broker and the worker share the machine.`,
    table(['rate', 'who', 'p50', 'p90', 'p99', 'p99.9', 'p50 to the bare worker’s', 'answered'], rows),
  );
}
