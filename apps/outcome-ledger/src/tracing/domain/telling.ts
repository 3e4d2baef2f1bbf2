import { worthKeeping, type Judged, type KeepingPolicy, type Reason } from './keeping.js';

/** Whether an outcome belongs into its prediction's trace: however late it is, up to so many milliseconds after the request, or not at all. */
export type OutcomeInTrace = 'always' | 'never' | number;

export interface TellingPolicy extends KeepingPolicy {
  readonly outcomeInTrace: OutcomeInTrace;
  /** How long the backend keeps spans. */
  readonly retentionMs: number;
}

/** All of processing time, epoch milliseconds. */
export interface Told extends Judged {
  readonly isSampled: boolean;
  readonly requestedAtMs: number;
  /** When Kafka received the outcome. */
  readonly receivedAtMs: number;
}

/** `result` is what the metric counts. */
export interface Telling {
  /** Where the outcome's span stands; `undefined`: nowhere, the story is not worth keeping. */
  readonly outcome: 'prediction_trace' | 'own_trace' | undefined;
  /** The prediction's spans are recorded from its row. */
  readonly fromRow: boolean;
  readonly result: 'live' | 'expired' | 'dropped' | Reason;
}

/**
 * What is told of an outcome, and whether the prediction's spans are told with it: of one that was sampled when asked they are in the
 * backend, unless that has forgotten them; of another one they are recorded now, if the outcome makes it worth that.
 */
export function decideTelling(policy: TellingPolicy, told: Told, nowMs: number): Telling {
  const outcome = standsInTrace(policy.outcomeInTrace, told) ? 'prediction_trace' : 'own_trace';
  if (!told.isSampled) {
    const reason = worthKeeping(policy, told, nowMs);
    return reason === undefined ? { outcome: undefined, fromRow: false, result: 'dropped' } : { outcome, fromRow: true, result: reason };
  }
  const isForgotten = nowMs - told.requestedAtMs > policy.retentionMs;
  // An outcome that stands elsewhere has no use for spans that are gone.
  return isForgotten && outcome === 'prediction_trace' ? { outcome, fromRow: true, result: 'expired' } : { outcome, fromRow: false, result: 'live' };
}

function standsInTrace(outcomeInTrace: OutcomeInTrace, { requestedAtMs, receivedAtMs }: Told): boolean {
  if (outcomeInTrace === 'always') return true;
  return outcomeInTrace !== 'never' && receivedAtMs - requestedAtMs <= outcomeInTrace;
}
