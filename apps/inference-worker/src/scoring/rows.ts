import type { AssembledRow, FeatureScalar } from '@throughline/features';
import type { ServedModel } from '../domain/answer.js';
import type { Resolution } from '../domain/assignment.js';
import type { Rejection } from '../domain/rejection.js';
import type { Candidate, RequestIdentity, ScoringRequest } from '../domain/scoring-request.js';
import type { StoredValues } from '../domain/stored-features.js';
import type { LoadedModel } from '../serving/loaded-model.js';
import type { ScoredBatch } from './run-batch.js';

/** One candidate on its way through the stages; whatever rejects it ends its way. */
export interface Row {
  readonly request: RequestIdentity;
  rejection: Rejection | undefined;
  group: RowGroup | undefined;
  /** The request's values in the order of the features, when it brought tensors. */
  positional: (FeatureScalar | undefined)[] | undefined;
  assembled: AssembledRow | undefined;
  ageSeconds: Record<string, number> | undefined;
  /** What the model's lookups found, in their order. */
  found: (StoredValues | undefined)[] | undefined;
  /** The run that scored it, and its row there. */
  batch: ScoredBatch | undefined;
  batchRow: number;
}

/** A row that will be scored, unless a later stage rejects it. */
export interface LiveRow extends Row {
  readonly request: ScoringRequest;
}

/** The rows of one version under one role. */
export interface RowGroup extends Resolution<ServedModel> {
  readonly served: LoadedModel;
  readonly rows: LiveRow[];
}

export const rowOf = ({ request, rejection }: Candidate): Row => ({
  request, rejection, group: undefined, positional: undefined, assembled: undefined, ageSeconds: undefined, found: undefined, batch: undefined, batchRow: 0,
});
