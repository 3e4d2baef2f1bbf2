import type { ErrorCode, Fallback, ModelSignature } from '@throughline/contracts';
import type { AssembledRow, PackPlan } from '@throughline/features';
import type { Asked, Role } from './assignment.js';
import type { Rejection } from './rejection.js';
import type { RequestIdentity, ScoringRequest } from './scoring-request.js';
import type { Lookup, StoredValues } from './stored-features.js';

/** What an answer says of the version that gave it, and what packing needs of it. */
export interface ServedModel {
  readonly model: string;
  readonly version: string;
  readonly artifactSha256: string;
  readonly signature: ModelSignature;
  readonly plan: PackPlan;
  readonly lookups: readonly Lookup[];
  /** Runtime, its version and threads. */
  readonly runtime: string;
}

/** One output of a batch, row after row: row i is `data[i * rowWidth]` and the `rowWidth - 1` after it. */
export interface OutputColumn {
  readonly name: string;
  readonly datatype: string;
  readonly data: Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | readonly string[];
  readonly rowWidth: number;
}

/** Milliseconds a stage; publishing comes after the answer and is seen in metrics and spans only. */
export interface StageTimings {
  /** From the Kafka timestamp to pick-up. */
  readonly transport: number;
  /** Waiting for a run, from pick-up on. */
  readonly queue: number;
  readonly features: number;
  /** Of the run: rows into tensors. */
  readonly preprocess: number;
  readonly inference: number;
  /** From the end of the run to the answer, its place in the order included. */
  readonly postprocess: number;
  readonly total: number;
}

/** Why another than the version that was asked answers, and what it is. */
export interface FallbackTaken {
  readonly kind: Fallback['kind'];
  /** What went wrong with the version that should have answered. */
  readonly reason: ErrorCode;
  /** The version that should have answered, where the deployment names one. */
  readonly insteadOf: string | undefined;
}

/** The answer that was given, as far as a shadow is compared with it. */
export interface AnswerGiven {
  readonly version: string;
  readonly role: Role;
  readonly score: number | undefined;
  readonly totalMs: number;
}

/** When a batch was picked up, on both watches: epoch milliseconds, and those that only measure. */
export interface PickUp {
  readonly nowMs: number;
  readonly steadyMs: number;
}

/** What both kinds of answer have. */
export interface Answered {
  readonly request: RequestIdentity;
  readonly predictionId: string;
  /** Goes out with the event: a child of the request's, or a new one. */
  readonly traceparent: string;
  /** Span that asked, in the same trace. */
  readonly parentSpanId?: string | undefined;
  readonly pickUp: PickUp;
  /** Processing time, epoch milliseconds. */
  readonly answeredAtMs: number;
}

export interface Scored extends Answered {
  readonly state: 'scored';
  readonly request: ScoringRequest;
  /** By whose signature the request's tensors are meant. */
  readonly addressed: ServedModel;
  /** What the lookups of `served` found, in their order. */
  readonly found: readonly (StoredValues | undefined)[] | undefined;
  readonly served: ServedModel;
  readonly role: Role;
  readonly revision: number;
  /** Chance that this version was the one to answer, while several share the traffic. */
  readonly propensity?: number | undefined;
  /** Absent where a fallback answered without features. */
  readonly row: AssembledRow | undefined;
  readonly ageSeconds: Record<string, number> | undefined;
  readonly outputs: readonly OutputColumn[];
  /** This answer's row in `outputs`. */
  readonly outputRow: number;
  /** Where the answer itself says what its score is; else the signature says which output is it. */
  readonly statedScore: number | undefined;
  readonly batchSize: number;
  readonly timingsMs: StageTimings;
  /** Estimate of what computing it cost, millionths of a dollar; absent without a price. */
  readonly costMicroUsd?: number | undefined;
  readonly fallback: FallbackTaken | undefined;
  /** Of a shadow's answer only. */
  readonly answered?: AnswerGiven | undefined;
  /** Of a shadow: why it could not have answered. */
  readonly failed?: { readonly code: string; readonly reason: string } | undefined;
}

export interface Rejected extends Answered {
  readonly state: 'rejected';
  readonly rejection: Rejection;
  /** Absent where the request met no deployment. */
  readonly asked: Asked | undefined;
}

/** Every request ends in exactly one of the two. */
export type Answer = Scored | Rejected;

/** Who should have given an answer: the version that did, unless a fallback stood in. */
export function askedBy({ served, fallback, role, revision }: Pick<Scored, 'served' | 'fallback' | 'role' | 'revision'>): Asked {
  return { version: fallback === undefined ? served.version : fallback.insteadOf, role, revision };
}
