import { setTimeout as delay } from 'node:timers/promises';
import { openLoop } from '../load/open-loop.ts';
import { percentilesOf } from '../measure/statistics.ts';
import { count, ms, paragraphs, table } from '../report/format.ts';
import type { Scenario } from '../scenario.ts';
import { treesArtifact } from '../setup/models.ts';
import { Registry } from '../setup/registry.ts';
import { requestSource } from '../setup/requests.ts';
import { startWorker } from '../setup/worker.ts';

const RATE = 1000;
const MAX_MOVES = 200;
/** Fewer say little of a p99. */
const MIN_MOVES = 100;
/** Not in step with anything that polls. */
const BETWEEN_MS = 237;
const WARM_UP_SECONDS = 5;
const MOVING_SECONDS = 60;
/** The load outlasts the last move. */
const SECONDS = WARM_UP_SECONDS + MOVING_SECONDS + 5;
const TARGET_MS = 1000;
const PATIENCE_MS = 10_000;

interface Move {
  readonly kind: 'alias' | 'rollback';
  /** Until the registry had answered, from when it was asked. */
  readonly answeredMs: number;
  /** Until the first prediction by the other version was with its consumer; NaN if none came. */
  readonly obeyedMs: number;
}

/** When a version answered last, and who waits for which. */
class Sightings {
  private readonly waiting = new Map<string, (atMs: number) => void>();

  saw(version: string): void {
    this.waiting.get(version)?.(performance.now());
    this.waiting.delete(version);
  }

  /** When the next answer of the version arrives; NaN when none does in time. */
  next(version: string): Promise<number> {
    const seen = new Promise<number>((resolve) => this.waiting.set(version, resolve));
    return Promise.race([seen, delay(PATIENCE_MS, Number.NaN, { ref: false })]);
  }
}

export const obey: Scenario = {
  name: 'obey',
  title: `Alias moves and rollbacks under ${count(RATE)}/s`,
  plan: () => ({ steps: 1, secondsPerStep: SECONDS + 20 }),
  run: async (bench, step) => {
    const installation = await bench.installation();
    const registry = await Registry.start(bench, installation.prefix, bench.ports[1]);
    try {
      const versions = [await registry.upload(treesArtifact(200)), await registry.upload(treesArtifact(201))] as const;
      await registry.promote(versions[0]);
      step(`moves for ${SECONDS} s`);
      const sightings = new Sightings();
      const moves: Move[] = [];
      const run = await bench.within(startWorker(bench, { prefix: installation.prefix, env: { REGISTRY_URL: registry.url } }), () =>
        openLoop({
          kafka: bench.kafka, ratePerSecond: RATE, seconds: SECONDS, request: requestSource('all-features'),
          requestTopic: installation.topic('prediction.requested.v1'), resultTopic: installation.topic('prediction.scored.v1'),
          onAnswer: (_, { value }) => sightings.saw(/"version":"(\d+)"/.exec(value!.toString('latin1'))?.[1] ?? '?'),
          meanwhile: async (at) => {
            await at(WARM_UP_SECONDS);
            const untilMs = performance.now() + MOVING_SECONDS * 1000;
            // The second version is loaded beside the first; from then on both are warm.
            const loaded = sightings.next(versions[1]);
            await registry.promote(versions[1]);
            await loaded;
            for (let number = 0; number < MAX_MOVES && performance.now() < untilMs; number++) {
              await delay(BETWEEN_MS);
              moves.push(await move(registry, sightings, number, versions));
            }
          },
        }),
      );
      const rejected = await installation.messagesIn('prediction.rejected.v1');
      await installation.remove();
      return outcomeOf(moves, { lost: run.total - run.answered, rejected, sent: run.total });
    } finally {
      await registry.close();
    }
  },
};

/** Back and forth: even moves say so by the alias, odd ones take it back. */
async function move(registry: Registry, sightings: Sightings, number: number, versions: readonly [string, string]): Promise<Move> {
  const kind = number % 2 === 0 ? 'alias' : 'rollback';
  const startedMs = performance.now();
  const seen = sightings.next(versions[kind === 'alias' ? 0 : 1]);
  await (kind === 'alias' ? registry.promote(versions[0]) : registry.rollBack());
  const answeredMs = performance.now() - startedMs;
  return { kind, answeredMs, obeyedMs: (await seen) - startedMs };
}

function outcomeOf(moves: readonly Move[], { lost, rejected, sent }: { lost: number; rejected: number; sent: number }) {
  const missing = moves.filter(({ obeyedMs }) => Number.isNaN(obeyedMs)).length;
  const obeyed = percentilesOf(moves.map(({ obeyedMs }) => obeyedMs));
  const rowOf = (name: string, values: readonly number[]): string[] => {
    const { count: times, p50Ms, p90Ms, p99Ms, maxMs } = percentilesOf(values);
    return [name, count(times), ...[p50Ms, p90Ms, p99Ms, maxMs].map(ms)];
  };
  const of = (kind: Move['kind']): number[] => moves.filter((one) => one.kind === kind).map(({ obeyedMs }) => obeyedMs);
  const isMet = obeyed.p99Ms < TARGET_MS && moves.length >= MIN_MOVES && missing + lost + rejected === 0;
  return {
    figures: [{
      what: `Obedience under ${count(RATE)}/s: from the request to move the champion, or to roll back, to the first prediction by the other version, p99`,
      measured: `${ms(obeyed.p99Ms)} ms (p50 ${ms(obeyed.p50Ms)}, most ${ms(obeyed.maxMs)}; ${moves.length - missing} of ${moves.length} moves, ${lost} lost, ${rejected} rejected of ${count(sent)})`,
      target: `< ${count(TARGET_MS)} ms`, isMet,
    }],
    markdown: paragraphs(
      `A registry (PostgreSQL that waits for the disk at every commit) and a worker with both versions warm; the champion moves back and forth, by its alias and by \`POST …/rollback\`. The time counts from the HTTP request until a consumer of \`prediction.scored\` has the first answer of the other version.`,
      table(['', 'moves', 'p50 ms', 'p90 ms', 'p99 ms', 'most ms'], [rowOf('by the alias', of('alias')), rowOf('by a rollback', of('rollback')), rowOf('of both: until the registry had answered', moves.map(({ answeredMs }) => answeredMs))]),
    ),
    raw: { ratePerSecond: RATE, sent, lost, rejected, missing, moves },
  };
}
