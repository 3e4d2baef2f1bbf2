import type { FeatureCache } from '../features/feature-cache.js';
import { systemClock as clock } from '../scoring/clock.js';
import { ScoringPipeline, type PipelineOptions } from '../scoring/pipeline.js';
import { runBatch } from '../scoring/run-batch.js';
import { Scheduler } from '../scoring/scheduler.js';

/** The pipeline as the worker has it, without fallbacks, for tests that need no broker. */
export function pipelineOf(fleet: PipelineOptions['fleet'], cache: FeatureCache, cpuHourPriceMicroUsd = 0): { pipeline: ScoringPipeline; scheduler: Scheduler } {
  const scheduler = new Scheduler({ clock, run: (model, rows) => runBatch(model, rows, clock, { report: () => undefined }) });
  const pipeline = new ScoringPipeline({
    fleet, cache, scheduler, clock,
    breakers: { allows: () => true },
    fallbacks: { rescue: () => Promise.resolve() },
    random: () => 1,
    traceSampleRatio: 0,
    cpuHourPriceMicroUsd,
  });
  return { pipeline, scheduler };
}
