import type { BeforeApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { Bus, RunningFollow } from '@throughline/bus';
import type { ModelDeployment, ServedVersion } from '@throughline/contracts';

/** What is deployed, as `model.deployment` says. Read to its end before the service takes alerts. */
export class Deployments implements OnModuleInit, BeforeApplicationShutdown {
  private readonly deployments = new Map<string, ModelDeployment>();
  private following: RunningFollow | undefined;

  constructor(private readonly bus: Bus) {}

  async onModuleInit(): Promise<void> {
    this.following = await this.bus.follow({
      topic: 'model.deployment.v1',
      onEvent: ({ data }) => this.apply(data),
      onTombstone: (model) => void this.deployments.delete(model),
    });
    await this.following.caughtUp;
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.following?.stop();
  }

  championOf(model: string): ServedVersion | undefined {
    return this.deployments.get(model)?.champion;
  }

  /** A republished older revision changes nothing. */
  private apply(deployment: ModelDeployment): void {
    const known = this.deployments.get(deployment.model);
    if (known === undefined || deployment.revision > known.revision) this.deployments.set(deployment.model, deployment);
  }
}
