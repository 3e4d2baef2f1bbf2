import type { Bus, RunningFollow } from '@throughline/bus';
import type { Logger } from '@throughline/telemetry';
import type { ModelFleet } from './model-fleet.js';

/** Feeds the fleet from `model.deployment`, which every worker reads whole. */
export class Deployments {
  private following: RunningFollow | undefined;

  /** @param onChange told after each deployment, with what it names */
  constructor(private readonly bus: Bus, private readonly fleet: ModelFleet, private readonly onChange: () => void, private readonly logger: Logger) {}

  /** Resolves when the topic has been read to its end and each model has had its chance to become warm. */
  async start(): Promise<void> {
    this.following = await this.bus.follow({
      topic: 'model.deployment.v1',
      onEvent: ({ data }) => {
        this.fleet.apply(data);
        this.onChange();
      },
      onTombstone: (model) => {
        this.fleet.remove(model);
        this.onChange();
      },
      onUndecodable: ({ code, reason, message }) => this.logger.error({ code, reason, offset: message.offset }, 'a deployment cannot be read'),
    });
    await this.following.caughtUp;
    await this.fleet.caughtUp();
  }
}
