import { Module, type DynamicModule } from '@nestjs/common';
import { BUS, BusModule, type Bus } from '@throughline/bus';
import { DbModule, outboxMigration } from '@throughline/db';
import { LOGGER } from '@throughline/http';
import { createLogger, type Logger } from '@throughline/telemetry';
import { LedgerClient } from './clients/ledger.js';
import { RegistryClient } from './clients/registry.js';
import { type RetrainingSettings } from './config.js';
import { AlertRaisedHandler } from './handlers/alert-raised.handler.js';
import { Deployments } from './handlers/model-deployment.follower.js';
import { RetrainingRequestedHandler } from './handlers/retraining-requested.handler.js';
import { PoliciesController } from './http/policies.controller.js';
import { RunsController } from './http/runs.controller.js';
import { Runner } from './runs/runner.js';
import { Scheduler } from './runs/scheduler.js';
import { Candidates } from './store/candidates.js';
import { CreateRetraining1700000001000 } from './store/migrations/create-retraining.js';
import { RetrainingSchedules1764300000000 } from './store/migrations/schedules.js';
import { Policies } from './store/policies.js';
import { Runs } from './store/runs.js';
import { Schedules } from './store/schedules.js';

export const SERVICE = 'retraining-coordinator';

@Module({})
export class RetrainingCoordinatorModule {
  static forRoot(settings: RetrainingSettings): DynamicModule {
    const ledger = new LedgerClient({ url: settings.LEDGER_URL, serviceKey: settings.AUTH_SERVICE_KEY });
    const registry = new RegistryClient({ url: settings.REGISTRY_URL, serviceKey: settings.AUTH_SERVICE_KEY });
    return {
      module: RetrainingCoordinatorModule,
      imports: [
        DbModule.forRoot({ schema: 'retraining', settings, migrations: [outboxMigration, CreateRetraining1700000001000, RetrainingSchedules1764300000000] }),
        BusModule.forRoot({ service: SERVICE, settings, outbox: true, logger: createLogger(SERVICE) }),
      ],
      controllers: [AlertRaisedHandler, RetrainingRequestedHandler, PoliciesController, RunsController],
      providers: [
        Runs,
        Policies,
        Candidates,
        Schedules,
        { provide: Deployments, useFactory: (bus: Bus) => new Deployments(bus), inject: [BUS] },
        {
          provide: Runner,
          useFactory: (runs: Runs, policies: Policies, candidates: Candidates, deployments: Deployments, logger: Logger) =>
            new Runner({ runs, policies, candidates, deployments, ledger, registry, logger }),
          inject: [Runs, Policies, Candidates, Deployments, LOGGER],
        },
        {
          provide: Scheduler,
          useFactory: (schedules: Schedules, policies: Policies, runs: Runs, deployments: Deployments, runner: Runner, logger: Logger) =>
            new Scheduler({ schedules, policies, runs, deployments, runner, logger }),
          inject: [Schedules, Policies, Runs, Deployments, Runner, LOGGER],
        },
      ],
    };
  }
}
