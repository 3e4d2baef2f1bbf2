import { STAGES, type LatencyBudget, type Stage } from '@throughline/contracts';
import { addDuration, mergeDurations, noDurations, quantileMs, shareOver, type DurationSketch } from './duration-sketch.js';

/** How an answer came about, as far as its service goes. */
export interface Service {
  readonly role: string;
  readonly lane: string;
  /** Kind of the fallback that answered. */
  readonly fallback: string | undefined;
  /** Milliseconds; what was not measured is absent. */
  readonly stagesMs: Readonly<Partial<Record<Stage, number>>>;
  /** From the request to its record on the topic. */
  readonly totalMs: number | undefined;
}

/** How a model was served in a window, whichever versions served it. Plain JSON, mergeable. */
export interface ServingCounts {
  /** Of the champion, or in its place. */
  answers: number;
  /** Of these, those that a fallback gave, by its kind: the champion's errors. */
  fallbacks: Record<string, number>;
  /** Of answers that somebody waited for: the batch lane waits by design. */
  stages: Partial<Record<Stage, DurationSketch>>;
  total: DurationSketch;
}

export const noAnswers = (): ServingCounts => ({ answers: 0, fallbacks: {}, stages: {}, total: noDurations() });

/** Counts one answer, in place. */
export function countAnswer(counts: ServingCounts, { role, lane, fallback, stagesMs, totalMs }: Service): void {
  if (role === 'champion') {
    counts.answers += 1;
    if (fallback !== undefined) counts.fallbacks[fallback] = (counts.fallbacks[fallback] ?? 0) + 1;
  }
  if (lane === 'batch') return;
  for (const stage of STAGES) {
    const tookMs = stagesMs[stage];
    if (tookMs !== undefined) addDuration((counts.stages[stage] ??= noDurations()), tookMs);
  }
  if (totalMs !== undefined) addDuration(counts.total, totalMs);
}

export function addServing(a: ServingCounts, b: ServingCounts): ServingCounts {
  const fallbacks = { ...a.fallbacks };
  for (const [kind, count] of Object.entries(b.fallbacks)) fallbacks[kind] = (fallbacks[kind] ?? 0) + count;
  const stages = Object.fromEntries(STAGES.flatMap((stage) => {
    const [left, right] = [a.stages[stage], b.stages[stage]];
    return left === undefined && right === undefined ? [] : [[stage, mergeDurations(left ?? noDurations(), right ?? noDurations())]];
  }));
  return { answers: a.answers + b.answers, fallbacks, stages, total: mergeDurations(a.total, b.total) };
}

/** Share of the champion's answers that a fallback gave; null without answers. */
export const fallbackShare = ({ answers, fallbacks }: ServingCounts): number | null =>
  answers === 0 ? null : Object.values(fallbacks).reduce((sum, count) => sum + count, 0) / answers;

export interface Percentiles {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export interface StageLatency extends Percentiles {
  readonly stage: Stage;
  /** Of the time of all stages together. */
  readonly shareOfTime: number;
  /** What the deployment in force allows. */
  readonly budgetMs?: number;
  /** Share of the answers that took longer than that. */
  readonly shareOverBudget?: number;
}

export interface Latency {
  /** Answers that were measured. */
  readonly answers: number;
  /** In the order in which they pass. */
  readonly stages: readonly StageLatency[];
  /** From the request to its record on the topic; absent when nothing was measured. */
  readonly total?: Percentiles;
  /** Absent when nothing was measured. */
  readonly worstStage?: { readonly stage: Stage; readonly summary: string };
}

/** Where the time went, held against what the deployment allows. */
export function latencyOf({ stages, total }: ServingCounts, budget: LatencyBudget): Latency {
  const allMs = STAGES.reduce((sum, stage) => sum + (stages[stage]?.sumMs ?? 0), 0);
  const measured = STAGES.flatMap((stage): StageLatency[] => {
    const sketch = stages[stage];
    const percentiles = sketch === undefined ? undefined : percentilesOf(sketch);
    if (sketch === undefined || percentiles === undefined) return [];
    const budgetMs = budget[stage];
    return [{ stage, ...percentiles, shareOfTime: allMs === 0 ? 0 : sketch.sumMs / allMs, ...(budgetMs === undefined ? {} : { budgetMs, shareOverBudget: shareOver(sketch, budgetMs) }) }];
  });
  const all = percentilesOf(total);
  const worst = worstStage(measured);
  return { answers: total.count, stages: measured, ...(all === undefined ? {} : { total: all }), ...(worst === undefined ? {} : { worstStage: worst }) };
}

function percentilesOf(sketch: DurationSketch): Percentiles | undefined {
  const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map((q) => quantileMs(sketch, q));
  return p50Ms === undefined ? undefined : { p50Ms, p95Ms: p95Ms!, p99Ms: p99Ms! };
}

/** Where anything has a budget: the stage whose 99th percentile takes most of its own; else the one that takes most of the time. */
function worstStage(stages: readonly StageLatency[]): Latency['worstStage'] {
  const budgeted = stages.filter(({ budgetMs }) => budgetMs !== undefined);
  const [worst] = (budgeted.length > 0 ? budgeted : stages).toSorted((a, b) => weight(b) - weight(a));
  return worst === undefined ? undefined : { stage: worst.stage, summary: summaryOf(worst) };
}

const weight = ({ p99Ms, budgetMs, shareOfTime }: StageLatency): number => (budgetMs === undefined ? shareOfTime : p99Ms / budgetMs);

function summaryOf({ stage, p50Ms, p99Ms, shareOfTime, budgetMs, shareOverBudget }: StageLatency): string {
  if (budgetMs === undefined) return `${stage} takes ${percent(shareOfTime)} of the time: ${ms(p50Ms)} at the median, ${ms(p99Ms)} at the 99th percentile; no budget is declared.`;
  return `${stage} takes most of its budget: ${ms(p99Ms)} at the 99th percentile are ${percent(p99Ms / budgetMs)} of the ${ms(budgetMs)} allowed; ${percent(shareOverBudget!)} of the answers took longer.`;
}

const ms = (value: number): string => `${Number(value.toPrecision(3))} ms`;
const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`;
