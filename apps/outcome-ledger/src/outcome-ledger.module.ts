import { Module, type DynamicModule } from '@nestjs/common';
import { BusModule } from '@throughline/bus';
import { DbModule, outboxMigration } from '@throughline/db';
import { createLogger } from '@throughline/telemetry';
import { HourlyBooksController } from './books/http/hourly-books.controller.js';
import { bookProviders } from './books/providers.js';
import { BacktestsController } from './backtest/http/backtests.controller.js';
import { backtestProviders } from './backtest/providers.js';
import type { LedgerConfig } from './config.js';
import { CostGauges } from './costs/cost-gauges.js';
import { Costs } from './costs/costs.js';
import { CostsController } from './costs/http/costs.controller.js';
import { PolicyCeilings } from './costs/policy-ceilings.js';
import { PRICES, pricesOf } from './costs/prices.js';
import { erasureProviders } from './erasure/erasure.providers.js';
import { ErasuresController } from './erasure/http/erasures.controller.js';
import { Housekeeping } from './handlers/housekeeping.js';
import { ModelDeploymentFollower } from './handlers/model-deployment.follower.js';
import { OutcomeObservedHandler } from './handlers/outcome-observed.handler.js';
import { PredictionIntake } from './handlers/prediction-intake.js';
import { PredictionRejectedHandler } from './handlers/prediction-rejected.handler.js';
import { PredictionScoredHandler } from './handlers/prediction-scored.handler.js';
import { PredictionShadowedHandler } from './handlers/prediction-shadowed.handler.js';
import { BooksController } from './http/books.controller.js';
import { ExportsController } from './http/exports.controller.js';
import { RebuildsController } from './rebuild/http/rebuilds.controller.js';
import { rebuildProviders } from './rebuild/providers.js';
import { retentionProviders } from './retention/providers.js';
import { LabelsController } from './labels/http/labels.controller.js';
import { labelProviders } from './labels/providers.js';
import { PredictionsController } from './http/predictions.controller.js';
import { SavedQueriesController } from './queries/http/saved-queries.controller.js';
import { queryProviders } from './queries/queries.providers.js';
import { privacyProviders } from './privacy/privacy.providers.js';
import { MaturityRounds } from './outcomes/maturity-rounds.js';
import { FUTURE_TOLERANCE_SECONDS, MATURITY_SWEEP_MS } from './outcomes/settings.js';
import { Declarations } from './outcomes/store/declarations.js';
import { Maturity } from './outcomes/store/maturity.js';
import { Background } from './store/background.js';
import { Books } from './store/books.js';
import { Exports } from './store/exports.js';
import { LEDGER_MIGRATIONS } from './store/migrations.js';
import { OutcomeStore } from './store/outcome-store.js';
import { Partitions } from './store/partitions.js';
import { PredictionStore } from './store/prediction-store.js';
import { ServedVersions } from './store/served-versions.js';
import { recomputeProviders } from './recompute/recompute.providers.js';
import { RecomputeController } from './recompute/recompute.controller.js';
import { StoryController } from './story/story.controller.js';
import { storyProviders } from './story/story.providers.js';
import { tracingProviders } from './tracing/providers.js';
import { TraceController } from './tracing/trace.controller.js';

export const SERVICE = 'outcome-ledger';

@Module({})
export class OutcomeLedgerModule {
  static forRoot(config: LedgerConfig): DynamicModule {
    return {
      module: OutcomeLedgerModule,
      imports: [
        DbModule.forRoot({ schema: 'outcome_ledger', migrations: [outboxMigration, ...LEDGER_MIGRATIONS], settings: config, maxConnections: 16 }),
        BusModule.forRoot({ service: SERVICE, settings: config, outbox: true, logger: createLogger(SERVICE) }),
      ],
      controllers: [
        PredictionScoredHandler, PredictionRejectedHandler, PredictionShadowedHandler, OutcomeObservedHandler,
        PredictionsController, StoryController, RecomputeController, TraceController, BooksController, HourlyBooksController, ExportsController, CostsController, BacktestsController, LabelsController, RebuildsController, ErasuresController, SavedQueriesController,
      ],
      providers: [
        Background, ...bookProviders(config), ...privacyProviders(config), ...erasureProviders, ...queryProviders, ...labelProviders, ...rebuildProviders, ...retentionProviders(config), ...storyProviders(config), ...recomputeProviders(config), ...backtestProviders(config),
        ...tracingProviders(config, SERVICE), { provide: PRICES, useValue: pricesOf(config) },
        { provide: PolicyCeilings, useValue: new PolicyCeilings({ url: config.REGISTRY_URL, serviceKey: config.AUTH_SERVICE_KEY }) }, Costs, CostGauges, { provide: FUTURE_TOLERANCE_SECONDS, useValue: config.OUTCOME_FUTURE_TOLERANCE_SECONDS }, { provide: MATURITY_SWEEP_MS, useValue: config.OUTCOME_MATURITY_SWEEP_MS }, Declarations, Maturity, MaturityRounds, PredictionIntake, ModelDeploymentFollower, Housekeeping, PredictionStore, OutcomeStore, Partitions, ServedVersions, Exports, Books],
    };
  }
}
