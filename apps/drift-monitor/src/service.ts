import { BUS, KafkaBatchStrategy, type Bus } from '@throughline/bus';
import { query } from '@throughline/db';
import { httpSettings, type ServiceOptions } from '@throughline/http';
import { DataSource } from 'typeorm';
import { SERVICE, type DriftMonitorSettings } from './config.js';
import { DriftMonitorModule } from './drift-monitor.module.js';

/** How the service runs; by `main.ts` in a process of its own, by tests in theirs. */
export const driftMonitor = (settings: DriftMonitorSettings): ServiceOptions => ({
  name: SERVICE,
  settings: httpSettings(settings),
  module: DriftMonitorModule.forRoot(settings),
  openApi: { title: 'Throughline drift monitor', description: 'Baselines against live windows, live quality from outcomes, alerts with evidence.', pathParameters: { name: { description: 'name of a model', example: 'flight-delay' } } },
  strategy: (app) => app.get(KafkaBatchStrategy),
  checks: (app) => ({ database: () => query(app.get(DataSource), 'SELECT 1'), kafka: () => app.get<Bus>(BUS).admin.ping() }),
  dead: (app) => app.get<Bus>(BUS).dead,
});
