import type { FeatureValue } from '../domain/features-codec.js';

/** A row of `prediction` or `prediction_shadow`, as PostgreSQL gives it. */
export interface StoryRow {
  readonly prediction_id: string;
  readonly day: string;
  readonly state: string;
  readonly attempt: string;
  readonly request_source: string;
  readonly request_id: string;
  readonly request_row: string | null;
  readonly lane: string;
  readonly team: string | null;
  readonly routing_key: string | null;
  readonly entities: Record<string, string> | null;
  readonly occurred_at: Date;
  readonly requested_at: Date;
  readonly answered_at: Date;
  readonly recorded_at: Date;
  readonly request_coordinates: string | null;
  readonly answer_coordinates: string;
  readonly worker: string;
  readonly trace_id: string | null;
  readonly span_id: string | null;
  readonly parent_span_id: string | null;
  readonly sampled: boolean | null;
  readonly model: string;
  readonly version: string | null;
  readonly served_version_id: number | null;
  readonly role: string | null;
  readonly assignment_revision: string | null;
  readonly propensity: number | null;
  readonly outputs: Record<string, unknown[]> | null;
  readonly score: number | null;
  readonly features: Buffer | null;
  readonly feature_dtype: number | null;
  readonly feature_extras: Record<string, FeatureValue> | null;
  readonly feature_age_seconds: Record<string, number> | null;
  readonly defaulted: number[] | null;
  readonly timings_ms: Record<string, number> | null;
  readonly batch_size: string | null;
  readonly runtime: string | null;
  readonly cost_micro_usd: number | null;
  readonly fallback_kind: string | null;
  readonly fallback_reason: string | null;
  readonly fallback_instead_of: string | null;
  readonly code: string | null;
  readonly reason: string | null;
  readonly is_withheld: boolean | null;
  readonly erased_at: Date | null;
}

export interface JoinedRow {
  readonly outcome: unknown;
  readonly outcome_source: string;
  readonly outcome_sequence: string;
  readonly outcome_occurred_at: Date;
  readonly delay_seconds: number;
  readonly error: number | null;
  readonly correct: boolean | null;
  readonly observed: unknown;
  readonly is_assumed: boolean;
  readonly value_micro_usd: number | null;
  readonly joined_at: Date;
}
