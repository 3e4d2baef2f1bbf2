import type { AlertRaised } from '@throughline/contracts';
import type { Judgement } from './judgement.js';
import type { Span, WindowKey } from './windows.js';

export interface AlertOptions {
  readonly window: WindowKey & Span;
  readonly judgement: Judgement;
  readonly nowMs: number;
  /** Makes the id from the alert's identity, so that judging the same window again raises the same alert. */
  readonly idOf: (identity: string) => string;
}

export function alertOf({ window, judgement, nowMs, idOf }: AlertOptions): AlertRaised {
  const { model, version, startMs, lengthMs } = window;
  return {
    alertId: idOf(`${model}\n${version}\n${judgement.kind}\n${judgement.subject}\n${startMs}`),
    model, version, kind: judgement.kind, tier: 'alarm', subject: judgement.subject,
    summary: summaryOf(judgement, model, version),
    windowFrom: new Date(startMs).toISOString(),
    windowTo: new Date(startMs + lengthMs).toISOString(),
    sampleCount: judgement.sampleCount,
    evidence: { ...judgement.evidence },
    raisedAt: new Date(nowMs).toISOString(),
  };
}

function summaryOf({ kind, subject, evidence }: Judgement, model: string, version: string): string {
  const who = `${model} version ${version}`;
  const show = (name: string): string => (evidence[name] === undefined ? '' : `${name} ${evidence[name].toFixed(3)}`);
  if (kind === 'quality' && subject === 'auc') return `${who}: AUC fell to ${evidence['auc']?.toFixed(3)} from ${evidence['registeredAuc']?.toFixed(3)} at registration, in 2 of the last 3 windows`;
  if (kind === 'quality') return `${who}: calibration error rose to ${evidence['ece']?.toFixed(3)} from ${evidence['registeredEce']?.toFixed(3)} at registration, in 2 of the last 3 windows`;
  const figure = ['ksDistance', 'jensenShannon', 'missingShare', 'unseenShare'].map(show).filter((text) => text !== '').join(', ');
  if (kind === 'prediction_drift') return `${who}: the distribution of ${subject} moved away from the baseline (${figure}) in 2 of the last 3 windows`;
  return `${who}: feature ${subject} moved away from the baseline (${figure}) in 2 of the last 3 windows`;
}
