import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { BUS, type Bus } from '@throughline/bus';
import { Baselines } from '../store/baselines.js';

/** Learns the baselines before the first prediction is counted. */
@Injectable()
export class ModelDeploymentFollower implements OnModuleInit {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    private readonly baselines: Baselines,
  ) {}

  async onModuleInit(): Promise<void> {
    const following = await this.bus.follow({ topic: 'model.deployment.v1', onEvent: ({ data }) => this.baselines.learn(data) });
    await following.caughtUp;
  }
}
