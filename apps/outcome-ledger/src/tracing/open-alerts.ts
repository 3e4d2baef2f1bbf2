import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { BUS, type Bus } from '@throughline/bus';

/** When each model last raised an alert, by the processing time that the alert says. */
@Injectable()
export class OpenAlerts implements OnModuleInit {
  private readonly byModel = new Map<string, number>();

  constructor(@Inject(BUS) private readonly bus: Bus) {}

  /** Alerts of before the start count as soon as they are read; nothing waits for that. */
  async onModuleInit(): Promise<void> {
    await this.bus.follow({ topic: 'alert.raised.v1', onEvent: ({ data: { model, raisedAt } }) => this.learn(model, Date.parse(raisedAt)) });
  }

  /** Epoch milliseconds; `undefined` when none is known. */
  lastRaisedAtMs(model: string): number | undefined {
    return this.byModel.get(model);
  }

  private learn(model: string, raisedAtMs: number): void {
    if (raisedAtMs > (this.byModel.get(model) ?? Number.NEGATIVE_INFINITY)) this.byModel.set(model, raisedAtMs);
  }
}
