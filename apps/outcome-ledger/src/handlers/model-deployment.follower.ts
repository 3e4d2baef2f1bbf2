import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { BUS, type Bus } from '@throughline/bus';
import type { ModelDeployment } from '@throughline/contracts';
import { KafkaReader } from '../books/kafka-reader.js';
import { Declarations } from '../outcomes/store/declarations.js';
import { PrivacyPolicies } from '../privacy/policies.js';
import { ServedVersions } from '../store/served-versions.js';
import { Assignments } from '../story/assignments.js';

/** Learns what features are called and how outcomes are judged, before the first prediction is taken in. */
@Injectable()
export class ModelDeploymentFollower implements OnModuleInit {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    private readonly servedVersions: ServedVersions,
    private readonly privacy: PrivacyPolicies,
    private readonly declarations: Declarations,
    private readonly assignments: Assignments,
    private readonly books: KafkaReader,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.declarations.load();
    const following = await this.bus.follow({ topic: 'model.deployment.v1', onEvent: ({ data }) => this.learn(data) });
    await following.caughtUp;
  }

  private async learn(deployment: ModelDeployment): Promise<void> {
    await this.servedVersions.learn(deployment);
    await this.privacy.learn(deployment);
    await this.declarations.learn(deployment);
    await this.assignments.learn(deployment);
    this.books.learn(deployment);
  }
}
