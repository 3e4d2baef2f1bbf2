import { randomUUID } from 'node:crypto';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap, type Provider } from '@nestjs/common';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import { policyInForce } from '../policy/in-force.js';
import { PolicyStore } from '../policy/store.js';
import { DeploymentStore } from '../store/deployments.js';
import { EvidenceStore } from './evidence/evidence-store.js';
import { EvidenceProgress } from './evidence/progress.js';
import { ServingReports } from './evidence/serving-reports.js';
import { isBetter } from './guards/is-better.js';
import { judge } from './guards/judge.js';
import { Promotions } from './promotions.js';
import { Rollouts } from './rollouts.js';
import { RolloutRunner } from './runner.js';
import { RolloutStore } from './store/rollouts.js';

/** Runs the runner as long as the service. */
@Injectable()
class RunnerLifetime implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(@Inject(RolloutRunner) private readonly runner: RolloutRunner) {}

  onApplicationBootstrap(): void {
    this.runner.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.runner.stop();
  }
}

/** Rollouts: what happens to them, who looks at them, and the door to becoming champion. */
export const ROLLOUT_PROVIDERS: Provider[] = [
  { provide: RolloutStore, useFactory: (dataSource: DataSource) => new RolloutStore(dataSource), inject: [DataSource] },
  {
    provide: Rollouts,
    useFactory: (dataSource: DataSource, deployments: DeploymentStore, store: RolloutStore) =>
      new Rollouts({
        dataSource, deployments, store, newId: randomUUID,
        declaredOf: async (manager, model) => {
          const { policy: { segments = [], outcome, errorRate } } = await policyInForce(manager, model);
          return { segments, outcome, errorRate };
        },
      }),
    inject: [DataSource, DeploymentStore, RolloutStore],
  },
  {
    provide: Promotions,
    useFactory: (deployments: DeploymentStore, rollouts: Rollouts, policies: PolicyStore) => new Promotions({ deployments, rollouts, policies }),
    inject: [DeploymentStore, Rollouts, PolicyStore],
  },
  {
    provide: RolloutRunner,
    useFactory: (rollouts: Rollouts, store: RolloutStore, evidence: EvidenceStore, progress: EvidenceProgress, reports: ServingReports, logger: Logger) =>
      new RolloutRunner({
        rollouts, store, judge, isBetter, logger, nowMs: Date.now,
        evidence: {
          totals: (id) => evidence.totals(id), read: (id) => evidence.read(id),
          isCaughtUp: (id) => progress.isCaughtUp(id), forget: (id) => progress.forget(id),
        },
        warmthOf: (model, version, revision) => reports.warmth(model, version, revision, Date.now()),
      }),
    inject: [Rollouts, RolloutStore, EvidenceStore, EvidenceProgress, ServingReports, LOGGER],
  },
  RunnerLifetime,
];
