import type { AssembledRow, FeatureScalar } from '@throughline/features';
import type { FallbackTaken, OutputColumn, PickUp, ServedModel } from '../domain/answer.js';
import type { Asked, Resolution } from '../domain/assignment.js';
import type { Keyed } from '../domain/key-order.js';
import type { Queued } from '../domain/model-queue.js';
import type { Rejection } from '../domain/rejection.js';
import { DEFAULT_PRIORITY, type Candidate, type RequestIdentity, type ScoringRequest } from '../domain/scoring-request.js';
import type { StoredValues } from '../domain/stored-features.js';
import type { LoadedModel } from '../serving/loaded-model.js';

/** One run of a model, or what a fallback gave instead. Times are of the steady watch. */
export interface ScoredBatch {
  readonly outputs: readonly OutputColumn[];
  /** Where a fallback says what the score is. */
  readonly score?: number | undefined;
  readonly size: number;
  readonly preprocessMs: number;
  readonly inferenceMs: number;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** Who is told when a row is scored or rejected. */
export interface RowJob {
  rowsDone(rows: readonly Row[]): void;
}

/** Counts a message batch down to its last acknowledged answer. */
export interface Ticket {
  /** Aborted when the batch is somebody else's by now, or the service stops. */
  readonly signal: AbortSignal;
  settle(error?: unknown): void;
}

/** One candidate on its way through the stages; whatever rejects it ends its way, unless a fallback answers. */
export interface Row extends Queued, Keyed {
  readonly request: RequestIdentity;
  readonly pickUp: PickUp;
  job: RowJob | undefined;
  /** Whom its lane tells when the answer is on record. */
  ticket: Ticket | undefined;
  /** Its message will be handled anew: nobody waits for this row's answer. */
  isWithdrawn: boolean;
  rejection: Rejection | undefined;
  /** The rejection is a forecast: the deadline itself has not passed. */
  isPredictedLate: boolean;
  group: RowGroup | undefined;
  /** Whom its deployment names, where nobody of them was there to ask; else its group says it. */
  asked: Asked | undefined;
  /** The request's values in the order of the features, when it brought tensors. */
  positional: (FeatureScalar | undefined)[] | undefined;
  assembled: AssembledRow | undefined;
  ageSeconds: Record<string, number> | undefined;
  /** What the model's lookups found, in their order. */
  found: (StoredValues | undefined)[] | undefined;
  /** The run that scored it, and its row there. */
  batch: ScoredBatch | undefined;
  batchRow: number;
  featuresMs: number;
  /** Set with `answeredBy` when a fallback answered. */
  fallback: FallbackTaken | undefined;
  /** Who stands behind a fallback's answer: the version that scored, or the one whose answer is repeated or replaced. */
  answeredBy: ServedModel | undefined;
}

/** A row that will be scored, unless a later stage rejects it. */
export interface LiveRow extends Row {
  readonly request: ScoringRequest;
  group: RowGroup;
}

/** The rows of one version under one role. */
export interface RowGroup extends Resolution<ServedModel> {
  readonly served: LoadedModel;
  readonly rows: LiveRow[];
  /** Rows that are neither scored nor rejected; while there are any, the version stays in memory. */
  open: number;
}

/**
 * A candidate at the start of its way. Its deadline is on the steady watch, which nobody sets while it waits.
 *
 * @param ownTopic that it came from, if not from everybody’s: its teams have turns beside those of everybody else
 */
export function rowOf({ request, rejection }: Candidate, pickUp: PickUp, ownTopic?: string): Row {
  const { deadlineMs, priority } = request as Partial<ScoringRequest>;
  return {
    request, rejection, pickUp, job: undefined, ticket: undefined, isWithdrawn: false,
    priority: priority ?? DEFAULT_PRIORITY,
    team: ownTopic === undefined ? (request.team ?? '') : `${ownTopic}\n${request.team ?? ''}`,
    deadlineMs: deadlineMs === undefined ? Infinity : pickUp.steadyMs + request.requestedAtMs + deadlineMs - pickUp.nowMs,
    orderKey: typeof request.key === 'string' ? request.key : request.key.toString('latin1'),
    before: undefined, after: undefined, isDone: false,
    isPredictedLate: false, group: undefined, asked: undefined, positional: undefined, assembled: undefined, ageSeconds: undefined, found: undefined, batch: undefined, batchRow: 0,
    featuresMs: 0, fallback: undefined, answeredBy: undefined,
  };
}

/** Who should have answered a row; `undefined` where it met no deployment. */
export function askedFor({ group, asked }: { readonly group: RowGroup | undefined; readonly asked: Asked | undefined }): Asked | undefined {
  return group === undefined ? asked : { version: group.served.version, role: group.role, revision: group.revision };
}
