import { count, figure, instant } from './format.js';
import type { Throttle } from './throttle.js';

/** One second of the replay, as measured. */
export interface Moment {
  readonly eventTimeMs: number;
  readonly predictionsPerSecond: number;
  readonly outcomesPerSecond: number;
  readonly joined: number;
  /** Messages each consumer has not finished. */
  readonly lag: ReadonlyMap<string, number>;
  readonly version: string | undefined;
  readonly auc: number;
  /** Raised so far. */
  readonly alerts: number;
  readonly throttle: Throttle;
}

const SHORT_NAMES: Readonly<Record<string, string>> = { 'inference-worker': 'worker', 'outcome-ledger': 'ledger', 'feature-store': 'features', 'drift-monitor': 'monitor' };

/** The line that is rewritten once a second. */
export function liveLine({ eventTimeMs, predictionsPerSecond, outcomesPerSecond, joined, lag, version, auc, alerts, throttle }: Moment): string {
  const lags = [...lag].map(([consumer, messages]) => `${SHORT_NAMES[consumer] ?? consumer} ${count(messages)}`).join(', ');
  const parts = [
    instant(eventTimeMs), ...slowed(throttle), `${count(predictionsPerSecond)} predictions/s`, `${count(outcomesPerSecond)} outcomes/s`, `${count(joined)} joined`,
    `AUC ${figure(auc)}`, `v${version ?? '–'}`, alerts === 1 ? '1 alert' : `${alerts} alerts`, `lag: ${lags === '' ? 'unknown' : lags}`,
  ];
  return parts.join(' · ');
}

function slowed({ share, behind }: Throttle): string[] {
  if (share >= 1) return [];
  const why = behind === undefined ? '' : `: ${behind.consumer} is ${behind.seconds.toFixed(1)} s behind`;
  return [`at ${Math.round(share * 100)} % of its speed${why}`];
}
