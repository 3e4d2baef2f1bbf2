import type { BusProducer } from '@throughline/bus';
import { encodeEvent, toContractError, type ServingReported } from '@throughline/contracts';
import type { Logger } from '@throughline/telemetry';
import { SOURCE } from '../domain/answer-events.js';
import type { ModelFleet } from './model-fleet.js';
import type { SlotReport } from './slot-report.js';

export interface ServingReportsOptions {
  readonly fleet: Pick<ModelFleet, 'models' | 'report' | 'watch' | 'bringBackStandbys'>;
  readonly producer: Pick<BusProducer, 'send'>;
  /** Instance that reports. */
  readonly worker: string;
  readonly nowMs: () => number;
  readonly logger: Logger;
  readonly beatMs?: number;
}

/** A registry takes a worker for gone when it has been silent for three times as long. */
const BEAT_MS = 30_000;
/** Models that come and go in a full memory must not flood the topic. */
const MIN_INTERVAL_MS = 200;

/** Says on `serving.reported` what this worker holds: at each change, as a sign of life, and when it leaves. Nobody waits for it; what is lost the next beat says again. */
export class ServingReports {
  private readonly dirty = new Set<string>();
  /** What was last said of each model. */
  private readonly said = new Map<string, string>();
  private readonly beat: NodeJS.Timeout;
  private pending: NodeJS.Timeout | undefined;
  private flushedMs = -Infinity;
  private hasLeft = false;

  constructor(private readonly options: ServingReportsOptions) {
    options.fleet.watch((model) => this.changed(model));
    this.beat = setInterval(() => this.sayAll(), options.beatMs ?? BEAT_MS).unref();
  }

  /** Says goodbye; the producer's flush waits for it. */
  leave(): void {
    if (this.hasLeft) return;
    this.hasLeft = true;
    clearInterval(this.beat);
    clearTimeout(this.pending);
    for (const model of this.said.keys()) this.publish(model, { revision: 0, warm: [], cold: [] }, true);
  }

  private changed(model: string): void {
    if (this.hasLeft) return;
    this.dirty.add(model);
    this.pending ??= setTimeout(() => this.flush(), Math.max(0, this.flushedMs + MIN_INTERVAL_MS - performance.now()));
  }

  private flush(): void {
    this.pending = undefined;
    this.flushedMs = performance.now();
    for (const model of this.dirty) this.say(model);
    this.dirty.clear();
  }

  private sayAll(): void {
    this.options.fleet.bringBackStandbys();
    this.said.clear();
    for (const model of this.options.fleet.models) this.say(model);
  }

  private say(model: string): void {
    const report = this.options.fleet.report(model);
    const said = JSON.stringify(report);
    if (this.said.get(model) === said) return;
    if (report === undefined) {
      if (this.said.delete(model)) this.publish(model, { revision: 0, warm: [], cold: [] }, true);
      return;
    }
    this.said.set(model, said);
    this.publish(model, report, false);
  }

  private publish(model: string, report: SlotReport, isLeaving: boolean): void {
    const { producer, worker, nowMs, logger } = this.options;
    const timeMs = nowMs();
    const data: ServingReported = { worker, model, ...report, ...(isLeaving && { leaving: true }), reportedAt: new Date(timeMs).toISOString() };
    const event = encodeEvent('serving.reported.v1', { id: `${worker}|${model}|${report.revision}|${timeMs}`, source: SOURCE, timeMs, data });
    producer.send({ topic: 'serving.reported.v1', key: `${worker}|${model}`, ...event }).catch((thrown: unknown) => {
      logger.warn({ model, reason: toContractError(thrown).message }, 'what this worker holds could not be told; the next beat tells it again');
    });
  }
}
