import { Module, type DynamicModule } from '@nestjs/common';
import { BUS, BusModule, type Bus } from '@throughline/bus';
import { DbModule } from '@throughline/db';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import { AuditProtection, AuditProtectionController } from './audit-protection/audit-protection.js';
import type { RegistrySettings } from './config.js';
import { ArtifactsController } from './http/artifacts.controller.js';
import { DeploymentsController } from './http/deployments.controller.js';
import { ModelsController, RECEIVE_LIMITS } from './http/models.controller.js';
import { VersionRecordsController } from './http/version-records.controller.js';
import { mlflowProviders } from './mlflow/mlflow.providers.js';
import { PolicyController } from './policy/http/policy.controller.js';
import { PolicyStore } from './policy/store.js';
import { EVIDENCE_CONTROLLERS, EVIDENCE_PROVIDERS } from './rollouts/evidence/evidence.providers.js';
import { RolloutsController } from './rollouts/http/rollouts.controller.js';
import { ROLLOUT_PROVIDERS } from './rollouts/rollout.providers.js';
import { ArtifactFiles } from './store/artifacts.js';
import { openArtifacts } from './store/open-artifacts.js';
import { DeploymentStore } from './store/deployments.js';
import { ENTITIES } from './store/entities.js';
import { MIGRATIONS } from './store/migrations.js';
import { TopicReconciler } from './store/topic-reconciler.js';
import { VersionRecords } from './store/version-records.js';
import { VersionStore } from './store/versions.js';
import { freezeBaseline } from './upload/freeze-baseline.js';
import { readKeysFile } from './upload/keys-file.js';
import { RegisterVersion } from './upload/register-version.js';

/** The registry: uploads become versions, aliases and deployments become events through the outbox. */
@Module({})
export class ModelRegistryModule {
  static forRoot(settings: RegistrySettings, logger: Logger): DynamicModule {
    const limits = { artifactBytes: settings.REGISTRY_MAX_ARTIFACT_BYTES, referenceBytes: settings.REGISTRY_MAX_REFERENCE_BYTES };
    const inspectionLimits = { sizeLimitBytes: limits.artifactBytes, timeLimitMs: settings.REGISTRY_INSPECT_TIMEOUT_MS, memoryLimitBytes: settings.REGISTRY_INSPECT_MEMORY_BYTES };
    return {
      module: ModelRegistryModule,
      imports: [
        DbModule.forRoot({ schema: 'model_registry', settings, ownerUrl: settings.DATABASE_OWNER_URL, entities: ENTITIES, migrations: MIGRATIONS }),
        BusModule.forRoot({ service: 'model-registry', settings, outbox: true, logger }),
      ],
      controllers: [ModelsController, VersionRecordsController, DeploymentsController, PolicyController, RolloutsController, ArtifactsController, AuditProtectionController, ...EVIDENCE_CONTROLLERS],
      providers: [
        ...ROLLOUT_PROVIDERS,
        AuditProtection,
        { provide: RECEIVE_LIMITS, useValue: limits },
        { provide: ArtifactFiles, useFactory: () => openArtifacts(settings, Date.now()) },
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
            new RegisterVersion({ versions, artifacts, freezeBaseline, inspectionLimits, trustedKeys: readKeysFile(settings.REGISTRY_TRUSTED_KEYS_FILE), now: () => new Date(), logger: log }),
          inject: [VersionStore, ArtifactFiles, LOGGER],
        },
        ...EVIDENCE_PROVIDERS,
        ...mlflowProviders(settings),
      ],
    };
  }
}
