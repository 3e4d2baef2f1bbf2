import { join } from 'node:path';
import { Module, type DynamicModule } from '@nestjs/common';
import { BUS, BusModule, type Bus } from '@throughline/bus';
import { DbModule } from '@throughline/db';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import type { RegistrySettings } from './config.js';
import { ArtifactsController } from './http/artifacts.controller.js';
import { DeploymentsController } from './http/deployments.controller.js';
import { ModelsController, RECEIVE_LIMITS } from './http/models.controller.js';
import { VersionRecordsController } from './http/version-records.controller.js';
import { PolicyController } from './policy/http/policy.controller.js';
import { PolicyStore } from './policy/store.js';
import { EVIDENCE_CONTROLLERS, EVIDENCE_PROVIDERS } from './rollouts/evidence/evidence.providers.js';
import { RolloutsController } from './rollouts/http/rollouts.controller.js';
import { ROLLOUT_PROVIDERS } from './rollouts/rollout.providers.js';
import { ArtifactFiles } from './store/artifacts.js';
import { DeploymentStore } from './store/deployments.js';
import { ENTITIES } from './store/entities.js';
import { MIGRATIONS } from './store/migrations.js';
import { TopicReconciler } from './store/topic-reconciler.js';
import { VersionRecords } from './store/version-records.js';
import { VersionStore } from './store/versions.js';
import { freezeBaseline } from './upload/freeze-baseline.js';
import { RegisterVersion } from './upload/register-version.js';

/** The registry: uploads become versions, aliases and deployments become events through the outbox. */
@Module({})
export class ModelRegistryModule {
  static forRoot(settings: RegistrySettings, logger: Logger): DynamicModule {
    const limits = { artifactBytes: settings.REGISTRY_MAX_ARTIFACT_BYTES, referenceBytes: settings.REGISTRY_MAX_REFERENCE_BYTES };
    const inspectionLimits = { sizeLimitBytes: limits.artifactBytes, timeLimitMs: settings.REGISTRY_INSPECT_TIMEOUT_MS };
    return {
      module: ModelRegistryModule,
      imports: [
        DbModule.forRoot({ schema: 'model_registry', settings, entities: ENTITIES, migrations: MIGRATIONS }),
        BusModule.forRoot({ service: 'model-registry', settings, outbox: true, logger }),
      ],
      controllers: [ModelsController, VersionRecordsController, DeploymentsController, PolicyController, RolloutsController, ArtifactsController, ...EVIDENCE_CONTROLLERS],
      providers: [
        ...ROLLOUT_PROVIDERS,
        { provide: RECEIVE_LIMITS, useValue: limits },
        { provide: ArtifactFiles, useFactory: () => ArtifactFiles.open(join(settings.THROUGHLINE_HOME, 'artifacts'), Date.now()) },
        { provide: VersionStore, useFactory: (dataSource: DataSource) => new VersionStore(dataSource), inject: [DataSource] },
        { provide: DeploymentStore, useFactory: (dataSource: DataSource) => new DeploymentStore(dataSource), inject: [DataSource] },
        {
          provide: VersionRecords,
          useFactory: (dataSource: DataSource, versions: VersionStore, deployments: DeploymentStore) => new VersionRecords(dataSource, versions, deployments),
          inject: [DataSource, VersionStore, DeploymentStore],
        },
        { provide: PolicyStore, useFactory: (dataSource: DataSource, deployments: DeploymentStore) => new PolicyStore(dataSource, deployments), inject: [DataSource, DeploymentStore] },
        {
          provide: TopicReconciler,
          useFactory: (bus: Bus, deployments: DeploymentStore, log: Logger) => new TopicReconciler(bus.admin, deployments, log),
          inject: [BUS, DeploymentStore, LOGGER],
        },
        {
          provide: RegisterVersion,
          useFactory: (versions: VersionStore, artifacts: ArtifactFiles, log: Logger) =>
            new RegisterVersion({ versions, artifacts, freezeBaseline, inspectionLimits, now: () => new Date(), logger: log }),
          inject: [VersionStore, ArtifactFiles, LOGGER],
        },
        ...EVIDENCE_PROVIDERS,
      ],
    };
  }
}
