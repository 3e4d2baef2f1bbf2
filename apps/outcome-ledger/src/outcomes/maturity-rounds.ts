import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { LOGGER, Rounds } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import type { Join } from '../domain/joining.js';
import { countJoins } from '../handlers/ledger-metrics.js';
import { LedgerSpans } from '../handlers/ledger-spans.js';
import { MATURITY_SWEEP_MS } from './settings.js';
import { Maturity } from './store/maturity.js';

/** Looks in rounds for predictions that have matured without an outcome. */
@Injectable()
export class MaturityRounds implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private rounds: Rounds | undefined;

  constructor(
    @Inject(Maturity) private readonly maturity: Maturity,
    @Inject(LedgerSpans) private readonly spans: LedgerSpans,
    @Inject(MATURITY_SWEEP_MS) private readonly everyMs: number,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds = new Rounds(this.everyMs, (stopping) => this.sweep(stopping), (error) => this.logger.warn({ err: error }, 'looking for mature predictions failed'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds?.stop();
  }

  private async sweep(stopping: AbortSignal): Promise<void> {
    let startMs = Date.now();
    const tell = (joins: readonly Join[]): void => {
      countJoins(joins);
      this.spans.outcomes(joins, { startMs, endMs: Date.now() });
      startMs = Date.now();
    };
    await this.maturity.sweep(startMs, tell, () => !stopping.aborted);
  }
}
