/**
 * `npm run bench`: what the worker costs beside its limits, all in one run, as ratios. Names of scenarios as arguments pick some.
 * Sizes: BENCH_MESSAGES, BENCH_ROUNDS, BENCH_SECONDS, BENCH_MEMORY_MESSAGES, BENCH_LARGE_ROWS, BENCH_LARGE_OUTCOMES. BENCH_OUT is the folder of the results: by default `benchmarks`, whose
 * results are published; for other sizes than the default ones a folder that is not.
 */
import { repositoryRoot } from '@throughline/local-stack';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { Progress } from './report/progress.ts';
import { publish, publishSummary } from './report/publish.ts';
import type { Scenario } from './scenario.ts';
import { guarantees } from './scenarios/guarantees.ts';
import { http } from './scenarios/http.ts';
import { latency } from './scenarios/latency.ts';
import { ledgerLarge } from './scenarios/ledger-large.ts';
import { ledger } from './scenarios/ledger.ts';
import { memory } from './scenarios/memory.ts';
import { mlserver } from './scenarios/mlserver.ts';
import { obey } from './scenarios/obey.ts';
import { outage } from './scenarios/outage.ts';
import { profile } from './scenarios/profile.ts';
import { rebalance } from './scenarios/rebalance.ts';
import { swap } from './scenarios/swap.ts';
import { throughput } from './scenarios/throughput.ts';
import { tracing } from './scenarios/tracing.ts';
import { Bench } from './setup/bench.ts';
import { areDefault, sizesOf } from './setup/sizes.ts';

const SCENARIOS: readonly Scenario[] = [throughput, latency, http, swap, obey, ledger, outage, tracing, rebalance, guarantees, profile, memory, mlserver, ledgerLarge];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
if (unknown.length > 0) {
  console.error(`There is no scenario ${unknown.join(', ')}. There are: ${SCENARIOS.map(({ name }) => name).join(' ')}`);
  process.exit(2);
}

const folder = resolve(repositoryRoot, process.env['BENCH_OUT'] ?? (areDefault(process.env) ? 'benchmarks' : '.throughline/benchmarks'));
mkdirSync(folder, { recursive: true });
const bench = await Bench.start(sizesOf(process.env));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void bench.close().finally(() => process.exit(130)));
const failed: string[] = [];
const skipped: string[] = [];
try {
  const chosen = SCENARIOS.filter(({ name, isLarge = false }) => (asked.length === 0 ? !isLarge : asked.includes(name))).filter((scenario) => {
    const reason = scenario.whyNot?.(bench);
    if (reason === undefined) return true;
    skipped.push(`${scenario.title} (${reason})`);
    console.error(`\n  SKIPPED ${scenario.name}: ${reason}\n`);
    return false;
  });
  const progress = new Progress(chosen, bench.sizes);
  progress.say(`${chosen.map(({ name }) => name).join(', ')}; results go to ${folder}`);
  for (const scenario of chosen) {
    try {
      publish(folder, scenario, await scenario.run(bench, progress.begin(scenario)));
    } catch (error) {
      // The others' results are worth having; the exit code tells.
      failed.push(scenario.name);
      console.error(`\n  FAILED ${scenario.name}: ${(error as Error).stack}\n`);
    }
  }
  console.log(publishSummary(folder, SCENARIOS.map(({ name }) => name), skipped));
} finally {
  await bench.close();
}
if (failed.length > 0) {
  console.error(`  FAILED: ${failed.join(', ')}`);
  process.exitCode = 1;
}
