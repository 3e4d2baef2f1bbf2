import { setTimeout } from 'node:timers/promises';
import { KafkaBatchStrategy, type Bus } from '@throughline/bus';
import type { Logger } from '@throughline/telemetry';

const TRY_AGAIN_MS = 5_000;

/** Begins to consume when the brokers let it: the registry answers and decides while Kafka is away, and its outbox keeps what it decided. */
export class PatientStrategy extends KafkaBatchStrategy {
  private readonly stopping = new AbortController();

  constructor(bus: Bus, service: string, private readonly log: Logger) {
    super(bus, service);
  }

  override listen(callback: (error?: unknown) => void): void {
    void this.subscribe();
    callback();
  }

  override async close(): Promise<void> {
    this.stopping.abort();
    await super.close();
  }

  private async subscribe(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const error = await new Promise<unknown>((resolve) => super.listen(resolve));
      if (error === undefined) return;
      if (!signal.aborted) this.log.warn({ err: error }, 'what predictions and outcomes say of rollouts cannot be read; it is tried again, and rollouts wait for it');
      // Rejects when the service stops.
      await setTimeout(TRY_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
