import multipart from '@fastify/multipart';
import { BUS, type Bus } from '@throughline/bus';
import { query } from '@throughline/db';
import { httpSettings, type ServiceOptions } from '@throughline/http';
import { createLogger } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import type { RegistrySettings } from './config.js';
import { PATH_PARAMETERS } from './http/path-parameters.js';
import { MLFLOW_ERROR, mlflowPaths } from './mlflow/http/open-api.js';
import { MLFLOW_PLUGIN, type MlflowPlugin } from './mlflow/mlflow.providers.js';
import { ModelRegistryModule } from './model-registry.module.js';
import { PatientStrategy } from './rollouts/evidence/patient-strategy.js';
import { ArtifactFiles } from './store/artifacts.js';
import { parserLimits } from './upload/receive.js';

/** The service, ready to run; `main.ts` and the tests start the same. */
export function modelRegistry(settings: RegistrySettings): ServiceOptions {
  const logger = createLogger('model-registry', { level: settings.LOG_LEVEL });
  const limits = parserLimits({ artifactBytes: settings.REGISTRY_MAX_ARTIFACT_BYTES, referenceBytes: settings.REGISTRY_MAX_REFERENCE_BYTES });
  return {
    name: 'model-registry',
    logger,
    settings: httpSettings(settings),
    module: ModelRegistryModule.forRoot(settings, logger),
    openApi: { title: 'Throughline model registry', description: 'Versions of models, their aliases, and what serves.', pathParameters: PATH_PARAMETERS, paths: mlflowPaths(), errorForms: [MLFLOW_ERROR] },
    strategy: (app) => app.get(PatientStrategy),
    configure: async (app) => {
      await app.register(multipart, { limits });
      await app.register(app.get<MlflowPlugin>(MLFLOW_PLUGIN), { prefix: '/api/2.0' });
    },
    checks: (app) => ({
      database: () => query(app.get(DataSource), 'SELECT 1'),
      kafka: () => app.get<Bus>(BUS).admin.ping(),
      ...(settings.REGISTRY_ARTIFACT_STORE === 's3' ? { artifacts: () => app.get(ArtifactFiles).ping() } : {}),
    }),
    dead: (app) => app.get<Bus>(BUS).dead,
  };
}
