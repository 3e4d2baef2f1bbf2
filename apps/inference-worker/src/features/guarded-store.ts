import { ContractError } from '@throughline/contracts';
import { counter, METRICS, observableGauge } from '@throughline/telemetry';
import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen, type CircuitBreakerPolicy } from 'cockatiel';
import type { StoredValues } from '../domain/stored-features.js';
import { StoreOutage, type FeatureStoreClient, type ViewRead } from './feature-store-client.js';

export interface GuardedStoreOptions {
  readonly store: Pick<FeatureStoreClient, 'read'>;
  /** So long the store is not asked after it has not answered. */
  readonly openMs: number;
}

/** Reads in a row without an answer, after which nobody waits for the store any more. */
const MAX_FAILURES = 3;

const reads = counter(METRICS.featureReads);
const STATE_VALUES: Readonly<Partial<Record<CircuitState, number>>> = { [CircuitState.Closed]: 0, [CircuitState.HalfOpen]: 1, [CircuitState.Open]: 2 };

/**
 * The feature store behind a circuit breaker: while it does not answer, reads fail at once instead of after their timeout. Whether it
 * answers again is found out beside the requests, so that none of them waits for it.
 */
export class GuardedFeatureStore {
  private readonly circuit: CircuitBreakerPolicy;
  private readonly stopGauge: () => void;

  constructor(private readonly options: GuardedStoreOptions) {
    // A refusal, of a view that the store does not know, is an answer too.
    this.circuit = circuitBreaker(handleWhen((error) => error instanceof StoreOutage), { breaker: new ConsecutiveBreaker(MAX_FAILURES), halfOpenAfter: options.openMs });
    this.stopGauge = observableGauge(METRICS.featureStoreBreakerState, () => STATE_VALUES[this.circuit.state] ?? 0);
  }

  onModuleDestroy(): void {
    this.stopGauge();
  }

  /**
   * As the store's own `read`.
   *
   * @throws ContractError `unavailable`, at once while the store has not answered lately.
   */
  async read(wanted: ViewRead): Promise<Map<string, StoredValues | null>> {
    if (this.circuit.state === CircuitState.Closed) return this.circuit.execute(() => this.counted(wanted));
    if (this.circuit.state === CircuitState.Open) this.tryAgain(wanted);
    reads.add(1, { result: 'skipped' });
    throw new ContractError('unavailable', 'the feature store has not answered lately and is not asked for now');
  }

  /** One entity is enough to see; rejects at once while it is too early. */
  private tryAgain(wanted: ViewRead): void {
    this.circuit.execute(() => this.counted({ ...wanted, entityIds: wanted.entityIds.slice(0, 1) })).catch(() => undefined);
  }

  private async counted(wanted: ViewRead): Promise<Map<string, StoredValues | null>> {
    try {
      const found = await this.options.store.read(wanted);
      reads.add(1, { result: 'read' });
      return found;
    } catch (error) {
      reads.add(1, { result: 'failed' });
      throw error;
    }
  }
}
