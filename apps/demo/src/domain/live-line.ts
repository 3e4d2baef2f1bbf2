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
  readonly alerts: number;
  readonly throttle: Throttle;
}

const SHORT_NAMES: Readonly<Record<string, string>> = { 'inference-worker': 'worker', 'outcome-ledger': 'ledger', 'feature-store': 'features', 'drift-monitor': 'monitor' };

/** The line that is rewritten once a second. */
export function liveLine({ eventTimeMs, predictionsPerSecond, outcomesPerSecond, joined, lag, version, auc, alerts, throttle }: Moment): string {
  const lags = [...lag].map(([consumer, messages]) => `${SHORT_NAMES[consumer] ?? consumer} ${count(messages)}`).join(', ');
  const parts = [
    instant(eventTimeMs), `${count(predictionsPerSecond)} predictions/s`, `${count(outcomesPerSecond)} outcomes/s`, `${count(joined)} joined`, `AUC ${figure(auc)}`,
    `model v${version ?? '–'}`, `lag ${lags}`, ...(alerts > 0 ? [`${alerts} alerts`] : []), ...slowed(throttle),
  ];
  return parts.join(' · ');
}

function slowed({ share, behind }: Throttle): string[] {
  if (share >= 1 || behind === undefined) return share >= 1 ? [] : [`at ${Math.round(share * 100)} % speed`];
  return [`slowed to ${Math.round(share * 100)} %: ${behind.consumer} is ${behind.seconds.toFixed(1)} s behind`];
}
