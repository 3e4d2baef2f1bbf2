import { BUS, KafkaBatchStrategy, type Bus } from '@throughline/bus';
import { query } from '@throughline/db';
import { httpSettings, type ServiceOptions } from '@throughline/http';
import { DataSource } from 'typeorm';
import type { FeatureStoreSettings } from './config.js';
import { FeatureStoreModule, SERVICE } from './feature-store.module.js';

/** Rows of several thousand entities. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

const PATH_PARAMETERS = {
  name: { description: 'name of a feature view', example: 'airport_traffic', schema: { pattern: '^[A-Za-z][A-Za-z0-9_.-]{0,199}$' } },
  version: { description: 'of the view', example: 1, schema: { type: 'integer', minimum: 1 } },
};

/** How the service runs; by `main.ts` in a process of its own, by tests in theirs. */
export function featureStore(settings: FeatureStoreSettings): ServiceOptions {
  return {
    name: SERVICE,
    settings: httpSettings(settings, BODY_LIMIT_BYTES),
    module: FeatureStoreModule.forRoot(settings),
    openApi: { title: 'Throughline feature store', description: 'Windowed features from events, current values in Feast’s words. Feast’s routes, too, answer errors as problems.', pathParameters: PATH_PARAMETERS },
    strategy: (app) => app.get(KafkaBatchStrategy),
    dead: (app) => app.get<Bus>(BUS).dead,
    checks: (app) => ({ database: () => query(app.get(DataSource), 'SELECT 1'), kafka: () => app.get<Bus>(BUS).admin.ping() }),
  };
}
