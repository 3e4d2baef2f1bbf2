import type { ErrorCode, ModelSignature } from '@throughline/contracts';

/** A model to score with: a file that holds the artifact, or rules as text. */
export interface ScoringModel {
  readonly signature: ModelSignature;
  readonly artifact: { readonly path: string; readonly sha256: string } | { readonly rules: string };
}

export type Row = readonly (number | string | boolean)[];

export interface LoadCall {
  readonly kind: 'load';
  readonly key: string;
  readonly model: ScoringModel;
}

export interface ScoreCall {
  readonly kind: 'score';
  readonly key: string;
  readonly rows: readonly Row[];
}

export type Call = LoadCall | ScoreCall;

/** By row; null where the model failed on it, or its score is no number. */
export type Scores = (number | null)[];

export type Reply = { readonly scores: Scores } | { readonly error: { readonly code: ErrorCode; readonly reason: string; readonly cure: string } };
