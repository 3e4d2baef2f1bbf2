import type { EntityManager } from 'typeorm';
import type { OutcomeValue } from '../domain/outcome.js';
import { atPlaces, placesParameter, type Place } from '../store/facts.js';
import type { ToldJoin } from './domain/retelling.js';

interface JoinedRow {
  readonly prediction_id: string;
  readonly attempt: string;
  readonly outcome: OutcomeValue;
  readonly observed: OutcomeValue | null;
  readonly outcome_source: string;
  readonly outcome_sequence: string;
  readonly outcome_occurred_at: Date;
  readonly delay_seconds: number;
  readonly error: number | null;
  readonly correct: boolean | null;
  readonly value_micro_usd: number | null;
  readonly is_assumed: boolean;
  readonly is_correction: boolean;
  readonly told_as: string | null;
  readonly revision: number | null;
}

const COLUMNS = ['prediction_id', 'attempt', 'outcome', 'observed', 'outcome_source', 'outcome_sequence', 'outcome_occurred_at', 'delay_seconds', 'error', 'correct', 'value_micro_usd', 'is_assumed', 'is_correction', 'told_as', 'revision']
  .map((name) => `p.${name}`).join(', ');

/** What consumers were told of these predictions. */
export async function loadToldJoins(manager: EntityManager, places: readonly Place[]): Promise<Map<string, ToldJoin>> {
  if (places.length === 0) return new Map();
  const rows: JoinedRow[] = await manager.query(atPlaces('prediction_joined', COLUMNS), [placesParameter(places)]);
  return new Map(rows.map((row) => [row.prediction_id, toldJoinOf(row)]));
}

function toldJoinOf(row: JoinedRow): ToldJoin {
  const valueMicroUsd = row.value_micro_usd ?? undefined;
  const occurredAtMs = row.outcome_occurred_at.getTime();
  return {
    ref: { source: row.outcome_source, sequence: Number(row.outcome_sequence), attempt: Number(row.attempt), valueMicroUsd, assumedAtMs: row.is_assumed ? occurredAtMs : undefined, revision: row.revision ?? undefined },
    toldAs: row.told_as ?? undefined, correction: row.is_correction, truth: row.outcome, observed: row.observed ?? row.outcome, occurredAtMs, delaySeconds: row.delay_seconds,
    error: row.error ?? undefined, correct: row.correct ?? undefined, valueMicroUsd,
  };
}
