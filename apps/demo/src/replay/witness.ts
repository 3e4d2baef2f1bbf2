import type { Bus, EventBatch } from '@throughline/bus';
import type { AlertRaised, EventTopic, RetrainingFinished } from '@throughline/contracts';
import { Distribution } from '../domain/distribution.js';
import { MODEL, SOURCE } from '../domain/flight-messages.js';
import { LiveQuality } from '../domain/quality.js';
import type { ReplayBooks } from '../domain/replay-books.js';
import type { SkewMeter } from '../domain/skew.js';

/** The joined prediction whose score was the highest: its story is told at the end. */
export interface Boldest {
  readonly predictionId: string;
  readonly score: number;
}

export interface WitnessOptions {
  readonly books: ReplayBooks;
  readonly skew: SkewMeter;
  /** Alerts and runs before this are of earlier days; epoch milliseconds of the wall. */
  readonly sinceMs: number;
}

const GROUP = 'demo';

/** What any consumer of the platform's topics sees: answers, joins, alerts. The demo's figures are counted here, not by the services. */
export class Witness {
  readonly quality = new LiveQuality();
  /** Between the brokers' timestamps of request and answer, in milliseconds. */
  readonly latencyMs = new Distribution();
  readonly rejections = new Map<string, number>();
  readonly versions = new Set<string>();
  /** Who was champion when the last of its answers was given. */
  champion: string | undefined;
  readonly alerts: AlertRaised[] = [];
  readonly runs: RetrainingFinished[] = [];
  /** Retraining runs that have been asked for and have not ended. */
  readonly runsUnderWay = new Set<string>();
  boldest: Boldest | undefined;

  constructor(private readonly options: WitnessOptions) {}

  /** Resolves when everything from now on is seen. */
  async watch(bus: Pick<Bus, 'subscribe'>): Promise<void> {
    const watch = <T extends EventTopic>(topic: T, see: (event: EventBatch<T>['events'][number]) => void) =>
      bus.subscribe({ topic, group: GROUP, handler: async ({ events }) => events.forEach(see) });
    await Promise.all([
      watch('prediction.scored.v1', ({ data, message }) => {
        if (data.requestSource !== SOURCE) return;
        const prediction = this.options.books.scored(data.predictionId, data.fallback !== undefined);
        if (prediction === undefined) return;
        this.versions.add(data.version);
        if (data.role === 'champion') this.champion = data.version;
        this.latencyMs.add(message.timestampMs - Date.parse(data.requestedAt));
        if (prediction.exact !== undefined) this.options.skew.compare(prediction.flight, data.features, prediction.exact);
      }),
      watch('prediction.rejected.v1', ({ data }) => {
        if (data.requestSource !== SOURCE || this.options.books.rejected(data.predictionId) === undefined) return;
        this.rejections.set(data.code, (this.rejections.get(data.code) ?? 0) + 1);
      }),
      watch('outcome.joined.v1', ({ data: { predictionId, score, outcome } }) => {
        if (this.options.books.joined(predictionId) === undefined) return;
        if (score === undefined || typeof outcome !== 'boolean') return;
        this.quality.add(score, outcome);
        if (this.boldest === undefined || score > this.boldest.score) this.boldest = { predictionId, score };
      }),
      watch('alert.raised.v1', ({ data }) => {
        if (data.model !== MODEL || Date.parse(data.raisedAt) < this.options.sinceMs) return;
        this.alerts.push(data);
      }),
      watch('retraining.requested.v1', ({ data: { model, runId, requestedAt } }) => {
        const isKnown = this.runs.some((run) => run.runId === runId);
        if (model === MODEL && Date.parse(requestedAt) >= this.options.sinceMs && !isKnown) this.runsUnderWay.add(runId);
      }),
      watch('retraining.finished.v1', ({ data }) => {
        if (data.model !== MODEL || Date.parse(data.finishedAt) < this.options.sinceMs) return;
        this.runs.push(data);
        this.runsUnderWay.delete(data.runId);
      }),
    ]);
  }
}
