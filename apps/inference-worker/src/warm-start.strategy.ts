import { KafkaBatchStrategy, type Bus } from '@throughline/bus';

/** Joins the consumer groups only when the models are warm: who joins earlier takes partitions from workers that could serve them. */
export class WarmStartStrategy extends KafkaBatchStrategy {
  /** @param joined what follows once the groups of the contract’s topics are joined */
  constructor(bus: Bus, service: string, private readonly warm: () => Promise<unknown>, private readonly joined: () => Promise<unknown>) {
    super(bus, service);
  }

  override listen(callback: (error?: unknown) => void): void {
    const listening = (error?: unknown): void => {
      if (error !== undefined) return callback(error);
      this.joined().then(() => callback(), callback);
    };
    this.warm().then(() => super.listen(listening), callback);
  }
}
