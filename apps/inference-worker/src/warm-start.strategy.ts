import { KafkaBatchStrategy, type Bus } from '@throughline/bus';

/** Joins the consumer groups only when the models are warm: who joins earlier takes partitions from workers that could serve them. */
export class WarmStartStrategy extends KafkaBatchStrategy {
  /** @param own topics that are read beside those of the contract, from when these are joined until they are left */
  constructor(bus: Bus, service: string, private readonly warm: () => Promise<unknown>, private readonly own: { start(): Promise<unknown>; stop(): Promise<unknown> }) {
    super(bus, service);
  }

  override listen(callback: (error?: unknown) => void): void {
    const listening = (error?: unknown): void => {
      if (error !== undefined) return callback(error);
      this.own.start().then(() => callback(), callback);
    };
    this.warm().then(() => super.listen(listening), callback);
  }

  override async close(): Promise<void> {
    await Promise.all([super.close(), this.own.stop()]);
  }
}
