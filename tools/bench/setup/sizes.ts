/** How much a run measures. The defaults take about 25 minutes for all scenarios on two cores; less is for trying things out. */
export interface Sizes {
  /** Messages of one throughput measurement. */
  readonly messages: number;
  /** Repetitions of whatever is compared, alternating. */
  readonly rounds: number;
  /** Seconds that one latency measurement counts, after its warm-up. */
  readonly seconds: number;
  readonly memoryMessages: number;
  /** Predictions in the ledger, and outcomes that join them, of the large scenario. */
  readonly largeRows: number;
  readonly largeOutcomes: number;
}

export const areDefault = (env: NodeJS.ProcessEnv): boolean => !Object.keys(env).some((name) => /^BENCH_(MESSAGES|ROUNDS|SECONDS|MEMORY_MESSAGES|LARGE_ROWS|LARGE_OUTCOMES)$/.test(name));

const number = (value: string | undefined, otherwise: number): number => (value === undefined ? otherwise : Number(value.replaceAll('_', '')));

export const sizesOf = (env: NodeJS.ProcessEnv): Sizes => ({
  messages: number(env['BENCH_MESSAGES'], 100_000),
  rounds: number(env['BENCH_ROUNDS'], 3),
  seconds: number(env['BENCH_SECONDS'], 10),
  memoryMessages: number(env['BENCH_MEMORY_MESSAGES'], 5_000_000),
  largeRows: number(env['BENCH_LARGE_ROWS'], 10_000_000),
  largeOutcomes: number(env['BENCH_LARGE_OUTCOMES'], 1_000_000),
});
