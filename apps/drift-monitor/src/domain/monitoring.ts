import { MONITORED_KINDS, type MonitoredKind, type MonitoringPolicy } from '@throughline/contracts';
import { MIN_SAMPLES } from '@throughline/stats';
import type { Stream } from './windows.js';

/** From where on a change is drift. */
export interface Thresholds {
  /** With fewer a window is judged neither way: values of a number, values of a category, outcomes. */
  readonly minSamples: { readonly numeric: number; readonly categorical: number; readonly auc: number; readonly calibration: number };
  /**
   * Least change that matters: distance of cumulative distributions (of categories Jensen-Shannon), change in the share of missing or of unseen
   * values, drop of the AUC, rise of the calibration error.
   */
  readonly minEffect: { readonly distance: number; readonly share: number; readonly auc: number; readonly calibration: number };
}

/** How a model is watched. */
export interface Monitoring extends Thresholds {
  /** Of windows that begin from now on, event time. */
  readonly windowSeconds: Readonly<Record<Stream, number>>;
  /** Raised; the others are judged and reported only. */
  readonly alarms: readonly MonitoredKind[];
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  minSamples: { numeric: MIN_SAMPLES.kolmogorovSmirnov, categorical: MIN_SAMPLES.jensenShannon, auc: MIN_SAMPLES.auc, calibration: MIN_SAMPLES.ece },
  minEffect: { distance: 0.1, share: 0.05, auc: 0.02, calibration: 0.05 },
};

/**
 * What is in force for a model.
 *
 * @param declared what its deployment says
 * @param windowSeconds length of a window where the deployment says none
 */
export const monitoringInForce = (declared: MonitoringPolicy, windowSeconds: number): Monitoring => ({
  windowSeconds: { data: windowSeconds, quality: windowSeconds, ...declared.windowSeconds },
  alarms: declared.alarms ?? MONITORED_KINDS,
  minSamples: { ...DEFAULT_THRESHOLDS.minSamples, ...declared.minSamples },
  minEffect: { ...DEFAULT_THRESHOLDS.minEffect, ...declared.minEffect },
});
