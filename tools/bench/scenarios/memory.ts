import { statfsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSecondsOf, residentBytesOf } from '../measure/processes.ts';
import { median } from '../measure/statistics.ts';
import { count, paragraphs, table } from '../report/format.ts';
import type { Scenario } from '../scenario.ts';
import type { Bench } from '../setup/bench.ts';
import type { Installation } from '../setup/installation.ts';
import { deploymentOf } from '../setup/models.ts';
import { requestSource } from '../setup/requests.ts';
import { startWorker } from '../setup/worker.ts';

/** Requests waiting for the worker: enough to keep it busy, few enough to be read from memory. */
const AHEAD = 40_000;
const SEND = 1000;
const SAMPLE_EVERY_MS = 500;
const TARGET = 0.1;
/** Request and answer on disk. */
const BYTES_EACH = 3000;
const SPARE_BYTES = 4 * 2 ** 30;
const STALLED_MS = 60_000;

interface Sample {
  readonly predictions: number;
  readonly residentMib: number;
}

export const memory: Scenario = {
  name: 'memory',
  title: 'Memory',
  plan: ({ memoryMessages }) => ({ steps: 10, secondsPerStep: 2 + memoryMessages / 10 / 15_000 }),
  whyNot: ({ home, sizes }) => {
    const { bavail, bsize } = statfsSync(home);
    const neededBytes = sizes.memoryMessages * BYTES_EACH + SPARE_BYTES;
    return bavail * bsize < neededBytes ? `it needs ${count(neededBytes / 2 ** 30)} GiB of disk for the messages; BENCH_MEMORY_MESSAGES makes it smaller` : undefined;
  },
  run: async (bench, step) => {
    const total = bench.sizes.memoryMessages;
    const installation = await bench.installation();
    await installation.deploy(deploymentOf({ artifact: bench.model, revision: 1 }));
    const { samples, seconds, cpuSeconds } = await bench.within(startWorker(bench, { prefix: installation.prefix }), async ({ pid }) => {
      const startMs = performance.now();
      const cpuBefore = cpuSecondsOf(pid!);
      const taken = await sampleWhile(bench, installation, pid!, total, step);
      return { samples: taken, seconds: (performance.now() - startMs) / 1000, cpuSeconds: cpuSecondsOf(pid!) - cpuBefore };
    });
    const rejected = await installation.messagesIn('prediction.rejected.v1');
    await installation.remove();
    const residentMib = (from: number, to: number): number => median(samples.filter(({ predictions }) => predictions >= from * total && predictions <= to * total).map((sample) => sample.residentMib));
    const half = residentMib(0.45, 0.55);
    const end = residentMib(0.9, 1);
    const growth = (end - half) / half;
    const tenths = Array.from({ length: 10 }, (_, tenth) => residentMib(tenth / 10, (tenth + 1) / 10));
    return {
      figures: [{ what: `Memory over ${count(total)} predictions: growth of the resident set over the second half`, measured: `${(growth * 100).toFixed(1)} % (${count(half)} to ${count(end)} MiB)`, target: `< ${TARGET * 100} %`, isMet: growth < TARGET }],
      markdown: paragraphs(
        `${count(total)} predictions in ${count(seconds)} s (${count(total / seconds)}/s, the load generator on the same machine), ${rejected} rejected. Resident set of the worker, MiB, median of each tenth; growth is from the median around the half to that of the last tenth.`,
        table(tenths.map((_, tenth) => `${(tenth + 1) * 10} %`), [tenths.map(count)]),
      ),
      raw: { predictions: total, rejected, seconds, cpuMicrosPerPrediction: (cpuSeconds / total) * 1e6, growth, samples },
    };
  },
};

/** Keeps the worker busy until it has answered all, and looks at it twice a second. */
async function sampleWhile(bench: Bench, installation: Installation, pid: number, total: number, step: (what: string) => void): Promise<Sample[]> {
  const samples: Sample[] = [];
  const request = requestSource('all-features');
  const topic = installation.topic('prediction.requested.v1');
  let sent = 0;
  let answered = 0;
  let tenths = 0;
  let progressedMs = performance.now();
  while (answered < total) {
    const startMs = performance.now();
    const now = await installation.messagesIn('prediction.scored.v1');
    if (now > answered) progressedMs = performance.now();
    else if (performance.now() - progressedMs > STALLED_MS) throw new Error(`the worker has stopped answering at ${count(answered)}`);
    answered = now;
    samples.push({ predictions: answered, residentMib: Math.round(residentBytesOf(pid) / 2 ** 20) });
    for (; tenths < 10 && answered >= (tenths / 10) * total; tenths++) step(`${count(answered)} of ${count(total)}, ${samples.at(-1)!.residentMib} MiB`);
    const until = Math.min(total, answered + AHEAD);
    for (; sent < until; sent += SEND) await installation.fill(topic, Math.min(SEND, until - sent), (index) => request(sent + index));
    sent = Math.min(sent, until);
    await delay(Math.max(0, SAMPLE_EVERY_MS - (performance.now() - startMs)));
  }
  return samples;
}
