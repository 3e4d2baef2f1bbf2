import { join } from 'node:path';
import type { Provider } from '@nestjs/common';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import type { RegistrySettings } from '../config.js';
import { Promotions } from '../rollouts/promotions.js';
import { ArtifactFiles } from '../store/artifacts.js';
import { DeploymentStore } from '../store/deployments.js';
import { VersionRecords } from '../store/version-records.js';
import { VersionStore } from '../store/versions.js';
import { RegisterVersion } from '../upload/register-version.js';
import { MlflowArtifacts } from './http/artifacts.js';
import { experimentRoutes } from './http/experiments.js';
import { loggedModelRoutes } from './http/logged-models.js';
import { modelVersionRoutes } from './http/model-versions.js';
import { mlflowPlugin } from './http/plugin.js';
import { registeredModelRoutes } from './http/registered-models.js';
import { runRoutes } from './http/runs.js';
import { RegisterFromMlflow } from './register.js';
import { ArtifactFolder } from './store/artifact-folder.js';
import { ExperimentStore } from './store/experiments.js';
import { LoggedModelStore } from './store/logged-models.js';
import { RegisteredStore } from './store/registered.js';
import { RunStore } from './store/runs.js';

/** The Fastify plugin that speaks MLflow; registered under `/api/2.0`. */
export const MLFLOW_PLUGIN = Symbol('model-registry.mlflow-plugin');
export type MlflowPlugin = ReturnType<typeof mlflowPlugin>;

export const mlflowProviders = (settings: RegistrySettings): Provider[] => [
  { provide: ArtifactFolder, useFactory: () => ArtifactFolder.create(join(settings.THROUGHLINE_HOME, 'mlflow-artifacts'), Date.now()) },
  {
    provide: MLFLOW_PLUGIN,
    inject: [DataSource, ArtifactFolder, ArtifactFiles, VersionStore, RegisterVersion, DeploymentStore, VersionRecords, Promotions, LOGGER],
    useFactory: (
      dataSource: DataSource, folder: ArtifactFolder, files: ArtifactFiles, versions: VersionStore, registration: RegisterVersion,
      deployments: DeploymentStore, records: VersionRecords, promotions: Promotions, logger: Logger,
    ): MlflowPlugin => {
      const nowMs = (): number => Date.now();
      const experiments = new ExperimentStore(dataSource);
      const runs = new RunStore(dataSource);
      const loggedModels = new LoggedModelStore(dataSource);
      const registered = new RegisteredStore(dataSource);
      const maxBytes = settings.REGISTRY_MAX_ARTIFACT_BYTES;
      const inspectionLimits = { sizeLimitBytes: maxBytes, timeLimitMs: settings.REGISTRY_INSPECT_TIMEOUT_MS };
      const register = new RegisterFromMlflow({ artifacts: files, folder, registration, versions, registered, deployments, runs, loggedModels, inspectionLimits, nowMs });
      return mlflowPlugin({
        routes: [
          ...experimentRoutes(experiments, nowMs),
          ...runRoutes({ runs, experiments, folder, nowMs }),
          ...loggedModelRoutes({ loggedModels, runs, experiments, folder, nowMs }),
          ...registeredModelRoutes({ registered, deployments, promotions, records, nowMs }),
          ...modelVersionRoutes({ registered, register, deployments, records, nowMs }),
        ],
        artifacts: new MlflowArtifacts({ folder, files, registered, versions, maxBytes }),
        logger,
      });
    },
  },
];
