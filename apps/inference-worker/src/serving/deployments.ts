import type { Bus, RunningFollow } from '@throughline/bus';
import type { ModelDeployment } from '@throughline/contracts';
import type { Logger } from '@throughline/telemetry';
import type { ModelFleet } from './model-fleet.js';

/** Feeds the fleet from `model.deployment`, which every worker reads whole. */
export class Deployments {
  private following: RunningFollow | undefined;
  /** While the topic is read for the first time, the last word on each model: what came before it must neither load nor raise alarms. */
  private lastWords: Map<string, ModelDeployment | undefined> | undefined = new Map();

  /** @param onChange told after each deployment, with what it names */
  constructor(private readonly bus: Bus, private readonly fleet: ModelFleet, private readonly onChange: () => void, private readonly logger: Logger) {}

  /** Resolves when the topic has been read to its end and each model has had its chance to become warm. */
  async start(): Promise<void> {
    this.following = await this.bus.follow({
      topic: 'model.deployment.v1',
      onEvent: ({ data }) => this.hear(data.model, data),
      onTombstone: (model) => this.hear(model, undefined),
      onUndecodable: ({ code, reason, message }) => this.logger.error({ code, reason, offset: message.offset }, 'a deployment cannot be read'),
    });
    await this.following.caughtUp;
    const lastWords = this.lastWords ?? [];
    this.lastWords = undefined;
    for (const [model, deployment] of lastWords) this.take(model, deployment);
    await this.fleet.caughtUp();
  }

  private hear(model: string, deployment: ModelDeployment | undefined): void {
    if (this.lastWords === undefined) return this.take(model, deployment);
    const known = this.lastWords.get(model);
    if (deployment === undefined || known === undefined || deployment.revision > known.revision) this.lastWords.set(model, deployment);
  }

  private take(model: string, deployment: ModelDeployment | undefined): void {
    if (deployment === undefined) this.fleet.remove(model);
    else this.fleet.apply(deployment);
    this.onChange();
  }
}
