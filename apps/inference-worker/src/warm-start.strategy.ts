import { KafkaBatchStrategy, type Bus } from '@throughline/bus';

/** Joins the consumer groups only when the models are warm: who joins earlier takes partitions from workers that could serve them. */
export class WarmStartStrategy extends KafkaBatchStrategy {
  constructor(bus: Bus, service: string, private readonly warm: () => Promise<unknown>) {
    super(bus, service);
  }

  override listen(callback: (error?: unknown) => void): void {
    this.warm().then(() => super.listen(callback), callback);
  }
}
