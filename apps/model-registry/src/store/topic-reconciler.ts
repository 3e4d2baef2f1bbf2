import type { OnApplicationBootstrap } from '@nestjs/common';
import type { BusAdmin } from '@throughline/bus';
import { decodeEvent } from '@throughline/contracts';
import type { Logger } from '@throughline/telemetry';
import type { DeploymentStore } from './deployments.js';

/**
 * Holds the topic against the database once, at the start. The database is the truth; a topic that was lost or replaced would leave workers
 * with nothing to serve, and moving an alias to where it is publishes nothing.
 */
export class TopicReconciler implements OnApplicationBootstrap {
  constructor(private readonly admin: Pick<BusAdmin, 'scan'>, private readonly deployments: DeploymentStore, private readonly logger: Logger) {}

  onApplicationBootstrap(): void {
    // In the background: the registry can answer and decide while Kafka is away.
    this.reconcile().catch((error: unknown) => this.logger.warn({ err: error }, 'could not compare the deployments with their topic'));
  }

  async reconcile(): Promise<void> {
    // Before the topic is read: what is decided or leaves the outbox meanwhile is not missing.
    const settled = await this.deployments.settledRevisions();
    const published = await this.publishedRevisions();
    const missing = [...settled].filter(([model, revision]) => (published.get(model) ?? 0) < revision).map(([model]) => model);
    if (missing.length === 0) return;
    await this.deployments.republish(missing);
    this.logger.warn({ models: missing }, 'the topic lacked deployments; they are published again');
  }

  private async publishedRevisions(): Promise<Map<string, number>> {
    const revisions = new Map<string, number>();
    await this.admin.scan('model.deployment.v1', (messages) => {
      for (const message of messages) {
        const event = decodeEvent('model.deployment.v1', message);
        if (event.ok) revisions.set(event.data.model, Math.max(event.data.revision, revisions.get(event.data.model) ?? 0));
      }
    });
    return revisions;
  }
}
