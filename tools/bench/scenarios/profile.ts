import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startScript } from '../measure/processes.ts';
import { summariseProfile, type ProfileSummary, type SelfTime } from '../measure/profile.ts';
import { throughputOf } from '../measure/throughput.ts';
import { count, paragraphs, table } from '../report/format.ts';
import type { Scenario } from '../scenario.ts';
import type { Bench } from '../setup/bench.ts';
import { deploymentOf } from '../setup/models.ts';
import { requestSource } from '../setup/requests.ts';
import { startWorker } from '../setup/worker.ts';
import { inferPath, saturate } from './http.ts';

const SHOWN_PARTS = 14;
const SHOWN_FUNCTIONS = 15;
const CONNECTIONS = 64;
/** Start and warm-up weigh little in so much load. */
const TIMES_THE_MESSAGES = 2;

interface Profiled {
  /** CPU of one message or request, as measured from outside. */
  readonly microsEach: number;
  readonly summary: ProfileSummary;
}

/** Where the worker's time goes, for whoever asks why a figure is what it is. */
export const profile: Scenario = {
  name: 'profile',
  title: 'Where the worker’s CPU time goes',
  plan: ({ messages, seconds }) => ({ steps: 2, secondsPerStep: 6 + Math.max((messages * TIMES_THE_MESSAGES) / 18_000, seconds + 3) }),
  run: async (bench, step) => {
    step('requests on the topic');
    const topic = await profileTopic(bench);
    step(`requests over HTTP, ${CONNECTIONS} connections`);
    const http = await profileHttp(bench);
    const top = topic.summary.parts.slice(0, 3).map(({ name, share }) => `${name} ${percent(share)}`).join(', ');
    return { figures: [{ what: 'Where the worker’s time goes', measured: `${top}; see benchmarks/profile.md`, target: 'published' }], markdown: render({ 'Requests on the topic': topic, 'Requests over HTTP': http }), raw: { topic, http } };
  },
};

async function profileTopic(bench: Bench): Promise<Profiled> {
  const messages = bench.sizes.messages * TIMES_THE_MESSAGES;
  const installation = await bench.installation();
  await installation.fill(installation.topic('prediction.requested.v1'), messages, requestSource('all-features'));
  await installation.deploy(deploymentOf({ artifact: bench.model, revision: 1 }));
  const folder = emptyFolder(bench, 'topic');
  const startMs = performance.now();
  const { readyMs, measured } = await bench.within(startWorker(bench, { prefix: installation.prefix, env: profiledInto(folder) }), async (child) => ({
    readyMs: performance.now() - startMs,
    measured: await throughputOf(child, bench.admin, installation.topic('prediction.scored.v1'), messages),
  }));
  await installation.remove();
  return { microsEach: measured.cpuMicrosPerMessage, summary: summariseProfile(folder, readyMs) };
}

async function profileHttp(bench: Bench): Promise<Profiled> {
  const installation = await bench.installation();
  await installation.deploy(deploymentOf({ artifact: bench.model, revision: 1 }));
  const folder = emptyFolder(bench, 'http');
  const load = await bench.keep(startScript('http-load.ts', {}));
  const startMs = performance.now();
  const { readyMs, measured } = await bench.within(startWorker(bench, { prefix: installation.prefix, env: profiledInto(folder) }), async ({ pid }) => ({
    readyMs: performance.now() - startMs,
    measured: await saturate(bench, load, pid!, `http://127.0.0.1:${bench.ports[0]}${inferPath}`, CONNECTIONS),
  }));
  await bench.end(load);
  await installation.remove();
  return { microsEach: (measured.cores['server']! / measured.requestsPerSecond) * 1e6, summary: summariseProfile(folder, readyMs) };
}

function emptyFolder(bench: Bench, name: string): string {
  const folder = join(bench.home, 'profiles', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

const profiledInto = (folder: string): Record<string, string> => ({ NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` });

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const render = (profiles: Record<string, Profiled>): string =>
  paragraphs(
    'Sampled by V8 in the worker while it was under load; self time as a share of the time that it was not idle, and as microseconds of the CPU time of one prediction (which the profiler itself makes dearer).',
    ...Object.entries(profiles).flatMap(([name, { microsEach, summary }]) => {
      const rows = (times: readonly SelfTime[], shown: number): string[][] => times.slice(0, shown).map((time) => [time.name, percent(time.share), (time.share * microsEach).toFixed(1)]);
      return [`### ${name}`, table([`of ${count(microsEach)} µs each`, 'share', 'µs'], rows(summary.parts, SHOWN_PARTS)), table(['function', 'share', 'µs'], rows(summary.functions, SHOWN_FUNCTIONS))];
    }),
  );
