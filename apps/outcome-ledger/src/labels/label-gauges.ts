import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { LOGGER, Rounds } from '@throughline/http';
import { METRICS, observableGauge, type Logger, type Observation } from '@throughline/telemetry';
import { Labels, type LabelAnswer } from './labels.js';
import { ModelClocks } from './model-clocks.js';

const LOOK_MS = 5_000;
/** Counting takes a twentieth of one processor at most, however many predictions there are. */
const REST_FACTOR = 20;

/** Keeps the metrics of labels fresh, of each model's last 30 days in which predictions can have matured. */
@Injectable()
export class LabelGauges implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private answers: readonly LabelAnswer[] = [];
  private notBeforeMs = 0;
  private rounds: Rounds | undefined;
  private readonly stopped: (() => void)[];

  constructor(
    @Inject(Labels) private readonly labels: Labels,
    @Inject(ModelClocks) private readonly clocks: ModelClocks,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.stopped = [observableGauge(METRICS.labelCoverage, () => this.answers.flatMap(coverageOf)), observableGauge(METRICS.labelPredictions, () => this.answers.flatMap(predictionsOf))];
  }

  onApplicationBootstrap(): void {
    this.rounds = new Rounds(LOOK_MS, () => this.look(), (error) => this.logger.warn({ err: error }, 'counting labels failed'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds?.stop();
    for (const stop of this.stopped) stop();
  }

  private async look(): Promise<void> {
    const startMs = Date.now();
    if (startMs < this.notBeforeMs) return;
    const answers: LabelAnswer[] = [];
    for (const { model } of await this.clocks.all(startMs)) {
      // One model too large to be counted says nothing against the others.
      const answer = await this.labels.report({ model }, startMs, { isUrgent: false }).catch((error: unknown) => this.logger.warn({ err: error, model }, 'counting the labels of a model failed'));
      if (answer !== undefined) answers.push(answer);
    }
    this.answers = answers;
    this.notBeforeMs = Date.now() + REST_FACTOR * (Date.now() - startMs);
  }
}

const coverageOf = ({ model, total: { coverage } }: LabelAnswer): Observation[] => (coverage === null ? [] : [{ value: coverage.share, labels: { model } }]);

const predictionsOf = ({ model, versions }: LabelAnswer): Observation[] =>
  versions.flatMap(({ version, predictions, labelled, assumed, overdue }) => {
    const states = { labelled, assumed, overdue: overdue ?? 0, immature: predictions - labelled - assumed - (overdue ?? 0) };
    return Object.entries(states).map(([state, value]) => ({ value, labels: { model, version, state } }));
  });
