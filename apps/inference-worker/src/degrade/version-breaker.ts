import type { BreakerPolicy } from '@throughline/contracts';
import { circuitBreaker, CircuitState, handleAll, type CircuitBreakerPolicy, type IBreaker } from 'cockatiel';
import { FailureWindow } from '../domain/failure-window.js';

const DEFAULTS = { failureShare: 0.5, windowSeconds: 10, minCallsPerSecond: 1, openSeconds: 5 } as const;

/** A batch on trial may end without a run, its rows being bad input; so long after it the next one is let through. */
const MAX_TRIAL_MS = 1000;

interface Trial {
  readonly succeed: () => void;
  readonly fail: (reason: Error) => void;
  /** Until then nobody else is let through. */
  untilMs: number;
}

const failure = new Error('most rows of the run failed');

/**
 * The circuit breaker of one version. Calls are runs that others make and report: closed, it only counts; open, it lets nobody through; after
 * `openSeconds` one batch is tried, and its run decides.
 */
export class VersionBreaker {
  private readonly window: FailureWindow;
  private readonly circuit: CircuitBreakerPolicy;
  private readonly trialMs: number;
  /** How long it asks nobody once it has opened. */
  readonly openSeconds: number;
  private trial: Trial | undefined;

  /** @param onChange told of every new state */
  constructor(policy: BreakerPolicy, onChange: (state: CircuitState) => void) {
    const { failureShare, windowSeconds, minCallsPerSecond, openSeconds } = { ...DEFAULTS, ...policy };
    this.window = new FailureWindow({ windowMs: windowSeconds * 1000, failureShare, minCalls: minCallsPerSecond * windowSeconds });
    this.circuit = circuitBreaker(handleAll, { breaker: counting(this.window), halfOpenAfter: openSeconds * 1000 });
    this.openSeconds = openSeconds;
    this.trialMs = Math.min(MAX_TRIAL_MS, openSeconds * 1000);
    this.circuit.onStateChange((state) => {
      this.trial = undefined;
      onChange(state);
    });
  }

  get state(): CircuitState {
    return this.circuit.state;
  }

  /** Whether the version may be asked now. */
  allows(): boolean {
    if (this.state === CircuitState.Closed) return true;
    const nowMs = Date.now();
    if (this.trial === undefined) this.trial = this.begin(nowMs);
    else if (nowMs < this.trial.untilMs) return false;
    if (this.trial === undefined) return false;
    this.trial.untilMs = nowMs + this.trialMs;
    return true;
  }

  /** One run has ended. */
  report(hasFailed: boolean): void {
    if (this.state === CircuitState.Open) return;
    if (this.state === CircuitState.HalfOpen) {
      if (hasFailed) this.trial?.fail(failure);
      else this.trial?.succeed();
    } else if (hasFailed) {
      this.circuit.execute(() => Promise.reject(failure)).catch(() => undefined);
    } else {
      // What the library would do, without its promises: every healthy run passes here.
      this.window.record(false, Date.now());
    }
  }

  /** `undefined` while it is too early. */
  private begin(nowMs: number): Trial | undefined {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.circuit.execute(() => promise).catch(() => undefined);
    return this.state === CircuitState.HalfOpen ? { succeed: resolve, fail: reject, untilMs: nowMs } : undefined;
  }
}

/** The library's own sampling moves on by calls, so that rare ones of an hour would count as those of a window; this one moves by time. */
const counting = (window: FailureWindow): IBreaker => ({
  state: undefined,
  success: (state) => {
    if (state === CircuitState.HalfOpen) window.clear();
    window.record(false, Date.now());
  },
  failure: () => {
    window.record(true, Date.now());
    return window.isFailing(Date.now());
  },
});
