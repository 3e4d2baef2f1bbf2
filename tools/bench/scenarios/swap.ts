import { openLoop } from '../load/open-loop.ts';
import { percentilesOf } from '../measure/statistics.ts';
import { count, ms, paragraphs, ratio, table } from '../report/format.ts';
import type { Scenario } from '../scenario.ts';
import { deploymentOf, treesArtifact } from '../setup/models.ts';
import { requestSource } from '../setup/requests.ts';
import { startWorker } from '../setup/worker.ts';

const RATE = 2000;
const WARM_UP_SECONDS = 5;
const SWAPS = 6;
const BETWEEN_SECONDS = 5;
/** After the first answer of the new version the old one still leaves, and its code is new to the compiler. */
const SETTLED_SECONDS = 1;
const TARGET = 2;
const SECONDS = WARM_UP_SECONDS + SWAPS * BETWEEN_SECONDS;

interface Swap {
  readonly publishedSecond: number;
  readonly firstAnswerSecond: number;
}

export const swap: Scenario = {
  name: 'swap',
  title: `Model swap under ${count(RATE)}/s`,
  plan: () => ({ steps: 1, secondsPerStep: SECONDS + 8 }),
  run: async (bench, step) => {
    step(`${SWAPS} swaps in ${SECONDS} s`);
    const installation = await bench.installation();
    const artifacts = Array.from({ length: SWAPS }, (_, index) => bench.artifacts.add(treesArtifact(100 + index)));
    await installation.deploy(deploymentOf({ artifact: bench.model, revision: 1 }));
    const publishedSeconds: number[] = [];
    const firstIndex = new Map<string, number>();
    const run = await bench.within(startWorker(bench, { prefix: installation.prefix }), () =>
      openLoop({
        kafka: bench.kafka, ratePerSecond: RATE, seconds: SECONDS, request: requestSource('all-features'),
        requestTopic: installation.topic('prediction.requested.v1'), resultTopic: installation.topic('prediction.scored.v1'),
        onAnswer: (index, { value }) => {
          const version = /"version":"(\d+)"/.exec(value!.toString('latin1'))?.[1] ?? '?';
          firstIndex.set(version, Math.min(index, firstIndex.get(version) ?? Infinity));
        },
        meanwhile: async (at) => {
          for (const [index, artifact] of artifacts.entries()) {
            publishedSeconds.push(WARM_UP_SECONDS + index * BETWEEN_SECONDS + BETWEEN_SECONDS / 2);
            await at(publishedSeconds.at(-1)!);
            await installation.deploy(deploymentOf({ artifact, revision: index + 2 }));
          }
        },
      }),
    );
    const rejected = await installation.messagesIn('prediction.rejected.v1');
    await installation.remove();
    const swaps = publishedSeconds.map((publishedSecond, index): Swap => ({ publishedSecond, firstAnswerSecond: (firstIndex.get(String(index + 2)) ?? Number.NaN) / RATE }));
    const missing = swaps.filter(({ firstAnswerSecond }) => Number.isNaN(firstAnswerSecond)).length;
    const during = percentilesOf(swaps.flatMap((one) => [...run.between(one.publishedSecond, endOf(one))]));
    const before = percentilesOf(swaps.flatMap(({ publishedSecond }) => [...run.between(publishedSecond - BETWEEN_SECONDS / 2, publishedSecond)]));
    const lost = run.total - run.answered;
    const p99Ratio = during.p99Ms / before.p99Ms;
    const unharmed = lost + rejected + missing === 0;
    return {
      figures: [
        { what: `Model swap under ${count(RATE)}/s: requests lost or rejected`, measured: `${lost} lost, ${rejected} rejected of ${count(run.total)}; ${SWAPS - missing} of ${SWAPS} swaps`, target: '0', isMet: unharmed },
        { what: `Model swap under ${count(RATE)}/s: p99 during it against before`, measured: `${ratio(p99Ratio)} (${ms(during.p99Ms)} against ${ms(before.p99Ms)} ms)`, target: `< ${TARGET}`, isMet: p99Ratio < TARGET },
      ],
      markdown: paragraphs(
        `Open loop, ${SWAPS} swaps of the champion for another artifact of the same size. “During” reaches from the publication of the deployment until ${SETTLED_SECONDS} s after the first answer of the new version, “before” is the ${BETWEEN_SECONDS / 2} s before each.`,
        table(['', 'requests', 'p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'most ms'], Object.entries({ before, during }).map(([name, { count: requests, p50Ms, p90Ms, p99Ms, p999Ms, maxMs }]) => [name, count(requests), ...[p50Ms, p90Ms, p99Ms, p999Ms, maxMs].map(ms)])),
        `From publication to the first answer of the new version: ${swaps.map(({ publishedSecond, firstAnswerSecond }) => `${Math.round((firstAnswerSecond - publishedSecond) * 1000)} ms`).join(', ')}. Duplicate answers: ${run.duplicates}.`,
      ),
      raw: { ratePerSecond: RATE, sent: run.total, lost, rejected, duplicates: run.duplicates, swaps, before, during },
    };
  },
};

const endOf = ({ publishedSecond, firstAnswerSecond }: Swap): number => (Number.isNaN(firstAnswerSecond) ? publishedSecond : firstAnswerSecond) + SETTLED_SECONDS;
