import { Module, type DynamicModule } from '@nestjs/common';
import { BusModule } from '@throughline/bus';
import { DbModule, outboxMigration } from '@throughline/db';
import { createLogger } from '@throughline/telemetry';
import { SERVICE, SETTINGS, type DriftMonitorSettings } from './config.js';
import { Judging } from './handlers/judging.js';
import { ModelDeploymentFollower } from './handlers/model-deployment.follower.js';
import { OutcomeJoinedHandler } from './handlers/outcome-joined.handler.js';
import { PredictionScoredHandler } from './handlers/prediction-scored.handler.js';
import { MonitorController } from './http/monitor.controller.js';
import { Baselines } from './store/baselines.js';
import { Judge } from './store/judge.js';
import { Corrections1764430000000 } from './store/migrations/corrections.js';
import { DriftMonitor1700000002000 } from './store/migrations/create-drift-monitor.js';
import { WatermarkPerModel1700000003000 } from './store/migrations/watermark-per-model.js';
import { WindowLengths1764230000000 } from './store/migrations/window-lengths.js';
import { Monitor } from './store/monitor.js';
import { OutcomeWindows } from './store/outcome-windows.js';
import { Reports } from './store/reports.js';

@Module({})
export class DriftMonitorModule {
  static forRoot(settings: DriftMonitorSettings): DynamicModule {
    return {
      module: DriftMonitorModule,
      imports: [
        DbModule.forRoot({ schema: 'drift_monitor', settings, migrations: [outboxMigration, DriftMonitor1700000002000, WatermarkPerModel1700000003000, WindowLengths1764230000000, Corrections1764430000000] }),
        BusModule.forRoot({ service: SERVICE, settings, outbox: true, logger: createLogger(SERVICE) }),
      ],
      controllers: [PredictionScoredHandler, OutcomeJoinedHandler, MonitorController],
      providers: [{ provide: SETTINGS, useValue: settings }, ModelDeploymentFollower, Judging, Baselines, Monitor, OutcomeWindows, Judge, Reports],
    };
  }
}
