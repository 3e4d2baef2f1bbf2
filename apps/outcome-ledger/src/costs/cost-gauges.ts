import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { LOGGER, Rounds } from '@throughline/http';
import { METRICS, observableGauge, type Logger } from '@throughline/telemetry';
import { Costs, type ModelSpending } from './costs.js';

const EVERY_MS = 10_000;
const SHARES = { compute: 'computeMicroUsd', features: 'featuresMicroUsd', storage: 'storageMicroUsd' } as const;

/** Keeps the totals of the books of money on the metrics page. They are the books', not this process's: every instance says the same. */
@Injectable()
export class CostGauges implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private rounds: Rounds | undefined;
  private spending: readonly ModelSpending[] = [];

  constructor(@Inject(Costs) private readonly costs: Costs, @Inject(LOGGER) private readonly logger: Logger) {
    const perVersion = (valueOf: (one: ModelSpending) => number) => () => this.spending.map((one) => ({ value: valueOf(one), labels: { model: one.model, version: one.version } }));
    observableGauge(METRICS.costMicroUsd, () => this.spending.flatMap((one) => Object.entries(SHARES).map(([share, field]) => ({ value: one[field], labels: { model: one.model, version: one.version, share } }))));
    observableGauge(METRICS.valueMicroUsd, perVersion(({ valueMicroUsd }) => valueMicroUsd));
    observableGauge(METRICS.valuedPredictions, perVersion(({ valued }) => valued));
  }

  onApplicationBootstrap(): void {
    this.rounds = new Rounds(EVERY_MS, async () => void (this.spending = await this.costs.byVersion()), (error) => this.logger.warn({ err: error }, 'reading the books of money failed'));
  }

  /** The totals are read again at once. */
  soon(): void {
    this.rounds?.soon();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds?.stop();
  }
}
