import { Module, type DynamicModule } from '@nestjs/common';
import { BusModule } from '@throughline/bus';
import { DbModule, outboxMigration } from '@throughline/db';
import { createLogger } from '@throughline/telemetry';
import { SETTINGS, type DriftMonitorSettings } from './config.js';
import { ModelDeploymentFollower } from './handlers/model-deployment.follower.js';
import { OutcomeJoinedHandler } from './handlers/outcome-joined.handler.js';
import { PredictionScoredHandler } from './handlers/prediction-scored.handler.js';
import { MonitorController } from './http/monitor.controller.js';
import { Baselines } from './store/baselines.js';
import { DriftMonitor1700000002000 } from './store/migrations/create-drift-monitor.js';
import { Monitor } from './store/monitor.js';
import { Reports } from './store/reports.js';

export const SERVICE = 'drift-monitor';

@Module({})
export class DriftMonitorModule {
  static forRoot(settings: DriftMonitorSettings): DynamicModule {
    return {
      module: DriftMonitorModule,
      imports: [
        DbModule.forRoot({ schema: 'drift_monitor', settings, migrations: [outboxMigration, DriftMonitor1700000002000] }),
        BusModule.forRoot({ service: SERVICE, settings, outbox: true, logger: createLogger(SERVICE) }),
      ],
      controllers: [PredictionScoredHandler, OutcomeJoinedHandler, MonitorController],
      providers: [{ provide: SETTINGS, useValue: settings }, ModelDeploymentFollower, Baselines, Monitor, Reports],
    };
  }
}
