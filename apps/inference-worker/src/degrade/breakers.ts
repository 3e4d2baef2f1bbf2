import { ERRORS, type BreakerPolicy, type ErrorCode } from '@throughline/contracts';
import { METRICS, observableGauge, type Logger } from '@throughline/telemetry';
import { CircuitState } from 'cockatiel';
import type { LoadedModel } from '../serving/loaded-model.js';
import { VersionBreaker } from './version-breaker.js';

export interface BreakersOptions {
  /** Of the deployment that serves the model now. */
  readonly policyOf: (model: string) => BreakerPolicy;
  /** All versions that serve now. */
  readonly serving: () => Iterable<LoadedModel>;
  readonly logger: Logger;
}

interface Guarded {
  policy: BreakerPolicy;
  readonly breaker: VersionBreaker;
  /** Why the last run that counted as failed did. */
  lastFailure?: ErrorCode | undefined;
}

const STATE_VALUES: Readonly<Partial<Record<CircuitState, number>>> = { [CircuitState.Closed]: 0, [CircuitState.HalfOpen]: 1, [CircuitState.Open]: 2 };

/** A circuit breaker for each version in memory: one that keeps failing is not asked for a while. A version that is loaded anew starts afresh. */
export class Breakers {
  private readonly guarded = new WeakMap<LoadedModel, Guarded>();
  private readonly stopGauge: () => void;

  constructor(private readonly options: BreakersOptions) {
    this.stopGauge = observableGauge(METRICS.breakerState, () => [...options.serving()].map((served) => ({ value: this.stateOf(served), labels: { model: served.model, version: served.version } })));
  }

  onModuleDestroy(): void {
    this.stopGauge();
  }

  /** Whether the version may be asked now; when it has failed too often, one batch now and then is let through. */
  allows(model: LoadedModel): boolean {
    return this.guardedOf(model).breaker.allows();
  }

  /**
   * After a run: rows that the model answered and rows it failed on, bad input not counted. The run counts as failed when most of its rows
   * did: a poisonous row says nothing of the version.
   *
   * @param code why rows failed
   */
  report(model: LoadedModel, succeeded: number, failed: number, code?: ErrorCode): void {
    const guarded = this.guardedOf(model);
    const hasFailed = failed > succeeded;
    if (hasFailed) guarded.lastFailure = code;
    guarded.breaker.report(hasFailed);
  }

  private stateOf(model: LoadedModel): number {
    return STATE_VALUES[this.guarded.get(model)?.breaker.state ?? CircuitState.Closed] ?? 0;
  }

  private guardedOf(model: LoadedModel): Guarded {
    const policy = this.options.policyOf(model.model);
    const known = this.guarded.get(model);
    if (known !== undefined && isSame(known.policy, policy)) {
      known.policy = policy;
      return known;
    }
    const guarded: Guarded = { policy, breaker: new VersionBreaker(policy, (state) => this.changed(model, guarded, state)) };
    this.guarded.set(model, guarded);
    return guarded;
  }

  private changed({ model, version }: LoadedModel, { breaker: { openSeconds }, lastFailure }: Guarded, state: CircuitState): void {
    const { logger } = this.options;
    const advice = { lastFailure, openSeconds, cure: ERRORS.circuit_open.cure };
    if (state === CircuitState.Open) logger.warn({ model, version, ...advice }, 'circuit open: the version keeps failing and is not asked for a while (openSeconds), then one batch is tried');
    else if (state === CircuitState.HalfOpen) logger.info({ model, version }, 'circuit half open: one batch is tried');
    else logger.info({ model, version }, 'circuit closed: the version answers again');
  }
}

/** By reference first: this is asked for every run, and changes with a deployment at most. */
const isSame = (one: BreakerPolicy, other: BreakerPolicy): boolean => one === other || JSON.stringify(one) === JSON.stringify(other);
