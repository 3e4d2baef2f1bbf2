import { BUS, KafkaBatchStrategy, type Bus } from '@throughline/bus';
import { query } from '@throughline/db';
import { httpSettings, type ServiceOptions } from '@throughline/http';
import { DataSource } from 'typeorm';
import type { RetrainingSettings } from './config.js';
import { RetrainingCoordinatorModule, SERVICE } from './retraining-coordinator.module.js';

const PATH_PARAMETERS = {
  model: { description: 'name of a model', example: 'flight-delay' },
  runId: { description: 'as the start of the run answered', example: '1b4e28ba-2fa1-41d2-883f-0016d3cca427', schema: { format: 'uuid' } },
};

/** How the service runs; by `main.ts` in a process of its own, by tests in theirs. */
export function retrainingCoordinator(settings: RetrainingSettings): ServiceOptions {
  return {
    name: SERVICE,
    settings: httpSettings(settings),
    module: RetrainingCoordinatorModule.forRoot(settings),
    openApi: { title: 'Throughline retraining coordinator', description: 'Retrains on evidence, compares with the champion on later data, registers the candidate.', pathParameters: PATH_PARAMETERS },
    strategy: (app) => app.get(KafkaBatchStrategy),
    dead: (app) => app.get<Bus>(BUS).dead,
    checks: (app) => ({ database: () => query(app.get(DataSource), 'SELECT 1'), kafka: () => app.get<Bus>(BUS).admin.ping() }),
  };
}
