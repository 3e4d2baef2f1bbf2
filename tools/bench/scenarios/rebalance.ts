import { openLoop, type OpenLoopRun } from '../load/open-loop.ts';
import { count, ms, paragraphs, table } from '../report/format.ts';
import type { Scenario } from '../scenario.ts';
import { deploymentOf } from '../setup/models.ts';
import { requestSource } from '../setup/requests.ts';
import { startWorker, workerId } from '../setup/worker.ts';

const RATE = 2000;
const START_SECOND = 10;
const KILL_SECOND = 25;
const SECONDS = 55;
/** What left this long before the kill may be unanswered at it: it belongs to the kill. */
const KILL_REACHES_BACK_SECONDS = 1;
const BEFORE_KILL_SECOND = KILL_SECOND - KILL_REACHES_BACK_SECONDS;
const STEADY_FROM_SECOND = 3;
/** Recovered is who answers again as before: within this, or within twice what 999 of 1,000 waited before. */
const RECOVERED_MS = 100;
const SLICE_SECONDS = 0.1;

export const rebalance: Scenario = {
  name: 'rebalance',
  title: `Rebalance under ${count(RATE)}/s`,
  plan: () => ({ steps: 1, secondsPerStep: SECONDS + 10 }),
  run: async (bench, step) => {
    step(`a second worker starts at ${START_SECOND} s and is killed at ${KILL_SECOND} s, of ${SECONDS} s`);
    const installation = await bench.installation();
    await installation.deploy(deploymentOf({ artifact: bench.model, revision: 1 }));
    const answeredBySecond = new Set<number>();
    const run = await bench.within(startWorker(bench, { prefix: installation.prefix }), () =>
      openLoop({
        kafka: bench.kafka, ratePerSecond: RATE, seconds: SECONDS, request: requestSource('all-features'), patienceSeconds: 60,
        requestTopic: installation.topic('prediction.requested.v1'), resultTopic: installation.topic('prediction.scored.v1'),
        onAnswer: (index, { value }) => {
          if (value!.includes(`"worker":"${workerId(bench.ports[1])}"`)) answeredBySecond.add(index);
        },
        meanwhile: async (at) => {
          await at(START_SECOND);
          const second = await bench.keep(startWorker(bench, { prefix: installation.prefix, port: bench.ports[1] }));
          await at(KILL_SECOND);
          await bench.end(second, 'SIGKILL');
        },
      }),
    );
    const rejected = await installation.messagesIn('prediction.rejected.v1');
    await installation.remove();
    const joinedSecond = Math.min(...answeredBySecond) / RATE;
    if (!Number.isFinite(joinedSecond)) throw new Error('the second worker has answered nothing: there was no rebalance to measure');
    const lost = run.total - run.answered;
    const recoveredMs = Math.max(RECOVERED_MS, 2 * run.percentiles(STEADY_FROM_SECOND, START_SECOND).p999Ms);
    const recovery = { joinSeconds: recoverySeconds(run, recoveredMs, START_SECOND, BEFORE_KILL_SECOND), killSeconds: recoverySeconds(run, recoveredMs, KILL_SECOND, SECONDS) };
    const joined = Math.min(BEFORE_KILL_SECOND, Math.max(joinedSecond, START_SECOND + recovery.joinSeconds) + 1);
    const recovered = KILL_SECOND + recovery.killSeconds;
    const parts = {
      'before, one worker': run.percentiles(STEADY_FROM_SECOND, START_SECOND),
      'second worker starts and joins': run.percentiles(START_SECOND, joined),
      'both at work': run.percentiles(joined, BEFORE_KILL_SECOND),
      'second worker killed (-9), until recovered': run.percentiles(BEFORE_KILL_SECOND, recovered),
      'afterwards': run.percentiles(recovered, SECONDS),
    };
    return {
      figures: [
        { what: `Rebalance under ${count(RATE)}/s (worker joins, worker killed -9): lost`, measured: `${lost} lost, ${rejected} rejected of ${count(run.total)}; ${count(run.duplicates)} answered twice`, target: '0 lost', isMet: lost === 0 },
        { what: `Rebalance under ${count(RATE)}/s: time to recover`, measured: `join ${recovery.joinSeconds.toFixed(1)} s (longest wait ${ms(longest(run, START_SECOND, BEFORE_KILL_SECOND))} ms), kill ${recovery.killSeconds.toFixed(1)} s (longest wait ${ms(longest(run, BEFORE_KILL_SECOND, SECONDS))} ms)`, target: 'published' },
      ],
      markdown: paragraphs(
        `Open loop. A worker is at work; at ${START_SECOND} s a second one starts (its first answer came after ${(joinedSecond - START_SECOND).toFixed(1)} s), at ${KILL_SECOND} s it is killed without notice. Time to recover is until the last request that waited longer than ${ms(recoveredMs)} ms (${RECOVERED_MS}, or twice the 99.9th percentile before); the brokers give the dead worker’s partitions away when its session has expired.`,
        table(['part', 'requests', 'p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'most ms'], Object.entries(parts).map(([name, { count: requests, p50Ms, p90Ms, p99Ms, p999Ms, maxMs }]) => [name, count(requests), ...[p50Ms, p90Ms, p99Ms, p999Ms, maxMs].map((value) => (requests === 0 ? '–' : ms(value)))])),
      ),
      raw: { ratePerSecond: RATE, seconds: SECONDS, sent: run.total, lost, rejected, duplicates: run.duplicates, answeredBySecondWorker: answeredBySecond.size, joinedSecond, recoveredMs, recovery, parts, bySecond: timeline(run) },
    };
  },
};

const timeline = (run: OpenLoopRun): object[] =>
  Array.from({ length: SECONDS }, (_, second) => {
    const { p50Ms, p99Ms, maxMs } = run.percentiles(second, second + 1);
    return { second, p50Ms, p99Ms, maxMs };
  });

/** Seconds after `fromSecond` until the last slice in which somebody waited too long; 0 when nobody did. */
function recoverySeconds(run: OpenLoopRun, recoveredMs: number, fromSecond: number, toSecond: number): number {
  let recovered = fromSecond;
  for (let second = fromSecond; second < toSecond; second += SLICE_SECONDS) {
    if (longest(run, second, second + SLICE_SECONDS) > recoveredMs) recovered = second + SLICE_SECONDS;
  }
  return recovered - fromSecond;
}

const longest = (run: OpenLoopRun, fromSecond: number, toSecond: number): number => run.between(fromSecond, toSecond).reduce((most, latencyMs) => Math.max(most, Number.isNaN(latencyMs) ? Infinity : latencyMs), 0);
