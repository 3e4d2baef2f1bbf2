import type { ExportColumn, ExportRow } from '../../domain/export.js';
import { decisionOf, rewardOf, type JudgedRow, type Measure, type ReadScore } from './judged-row.js';

/** What a backtest says of each prediction. Decisions are 1 and 0; `weight` is empty where the prediction has none. */
export const BACKTEST_COLUMNS: readonly ExportColumn[] = [
  { name: 'prediction_id', type: 'STRING' }, { name: 'occurred_at', type: 'TIMESTAMP' }, { name: 'version', type: 'STRING' }, { name: 'role', type: 'STRING' }, { name: 'fallback', type: 'STRING' },
  { name: 'propensity', type: 'DOUBLE' }, { name: 'served_score', type: 'DOUBLE' }, { name: 'served_decision', type: 'DOUBLE' }, { name: 'status', type: 'STRING' },
  { name: 'candidate_score', type: 'DOUBLE' }, { name: 'candidate_decision', type: 'DOUBLE' }, { name: 'outcome', type: 'DOUBLE' }, { name: 'served_reward', type: 'DOUBLE' },
  { name: 'candidate_reward', type: 'DOUBLE' }, { name: 'weight', type: 'DOUBLE' },
];

export interface Told {
  readonly predictionId: string;
  readonly occurredAt: Date;
  readonly fallbackKind: string | null;
}

/** One line of the file. */
export function backtestRow({ predictionId, occurredAt, fallbackKind }: Told, row: JudgedRow, measure: Measure, weight: number | undefined): ExportRow {
  const { version, role, propensity, served, candidate, truth } = row;
  const scored = typeof candidate === 'string' ? undefined : candidate;
  const rewardIn = (read: ReadScore | undefined): number | null => (read === undefined || truth === undefined ? null : (rewardOf(read, truth, measure) ?? null));
  return {
    prediction_id: predictionId, occurred_at: occurredAt, version, role, fallback: fallbackKind, propensity: propensity ?? null, served_score: served?.score ?? null, served_decision: flag(served),
    status: typeof candidate === 'string' ? candidate : 'scored', candidate_score: scored?.score ?? null, candidate_decision: flag(scored),
    outcome: truth === undefined || typeof truth === 'string' ? null : Number(truth), served_reward: rewardIn(served), candidate_reward: rewardIn(scored), weight: weight ?? null,
  };
}

function flag(read: ReadScore | undefined): number | null {
  const decision = read === undefined ? undefined : decisionOf(read);
  return decision === undefined ? null : Number(decision);
}
