import type { OnModuleDestroy } from '@nestjs/common';
import { STAGES, type LatencyBudget, type Stage } from '@throughline/contracts';
import { bulkHistogram, counter, METRICS, observableGauge, type BulkSeries, type Observation } from '@throughline/telemetry';
import type { Scored } from '../domain/answer.js';

const latencySeconds = bulkHistogram(METRICS.predictionSeconds);
const queueSeconds = bulkHistogram(METRICS.queueSeconds);
const stageSeconds = bulkHistogram(METRICS.stageSeconds);
const overBudget = counter(METRICS.stageOverBudget);

interface SeriesOfModel {
  readonly latency: BulkSeries;
  readonly queue: BulkSeries;
  readonly stages: Readonly<Record<Stage, BulkSeries>>;
}

/** Times of acknowledged answers, stage by stage, beside what the deployment of their model allows. */
export class StageMetrics implements OnModuleDestroy {
  private readonly series = new Map<string, SeriesOfModel>();
  private readonly stopGauge: () => void;

  /** @param deployed names of all models that are deployed */
  constructor(private readonly budgetOf: (model: string) => LatencyBudget, deployed: () => Iterable<string>) {
    this.stopGauge = observableGauge(METRICS.stageBudgetSeconds, () => [...deployed()].flatMap((model) => budgets(model, budgetOf(model))));
  }

  onModuleDestroy(): void {
    this.stopGauge();
  }

  /** @param publishMs from sending to the brokers' acknowledgement */
  observe(answers: readonly Scored[], publishMs: number, acknowledgedAtMs: number): void {
    const over = new Map<string, { labels: { model: string; stage: string }; count: number }>();
    for (const { served: { model }, request, timingsMs } of answers) {
      const { latency, queue, stages } = this.seriesOf(model, request.lane);
      const budget = this.budgetOf(model);
      latency.record((acknowledgedAtMs - request.requestedAtMs) / 1000);
      queue.record(timingsMs.queue / 1000);
      for (const stage of STAGES) {
        const tookMs = stage === 'publish' ? publishMs : timingsMs[stage];
        stages[stage].record(tookMs / 1000);
        if (tookMs <= (budget[stage] ?? Infinity)) continue;
        const key = `${model}\n${stage}`;
        const known = over.get(key);
        if (known === undefined) over.set(key, { labels: { model, stage }, count: 1 });
        else known.count++;
      }
    }
    for (const { labels, count } of over.values()) overBudget.add(count, labels);
  }

  private seriesOf(model: string, lane: string): SeriesOfModel {
    const key = `${lane}\n${model}`;
    let series = this.series.get(key);
    if (series === undefined) {
      const stages = Object.fromEntries(STAGES.map((stage) => [stage, stageSeconds.with({ model, stage })])) as Record<Stage, BulkSeries>;
      series = { latency: latencySeconds.with({ model, lane }), queue: queueSeconds.with({ lane }), stages };
      this.series.set(key, series);
    }
    return series;
  }
}

function budgets(model: string, budget: LatencyBudget): Observation[] {
  return STAGES.flatMap((stage) => (budget[stage] === undefined ? [] : [{ value: budget[stage] / 1000, labels: { model, stage } }]));
}
