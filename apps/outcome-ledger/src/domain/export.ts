import type { FeatureSpec } from '@throughline/contracts';
import { isHash } from '../privacy/domain/hashing.js';
import type { FeatureValue } from './features-codec.js';

export interface ExportColumn {
  readonly name: string;
  readonly type: 'STRING' | 'DOUBLE' | 'TIMESTAMP';
}

export type ExportRow = Record<string, string | number | Date | null>;

/**
 * `outcome` is a number (true is 1, false is 0); `outcome_text` is for outcomes that are text, and else null. `fallback` is the kind of the
 * fallback that answered, whose score says nothing about the model, and else null.
 */
const FIXED: readonly ExportColumn[] = [
  { name: 'prediction_id', type: 'STRING' }, { name: 'model', type: 'STRING' }, { name: 'version', type: 'STRING' }, { name: 'role', type: 'STRING' },
  { name: 'occurred_at', type: 'TIMESTAMP' }, { name: 'requested_at', type: 'TIMESTAMP' }, { name: 'score', type: 'DOUBLE' }, { name: 'outcome', type: 'DOUBLE' },
  { name: 'outcome_text', type: 'STRING' }, { name: 'fallback', type: 'STRING' },
];
const FIXED_NAMES = new Set(FIXED.map(({ name }) => name));

/** The fixed columns and one for each feature of any version in the range; a feature that is text in one version is text in the column. */
export function columnsOf(features: readonly FeatureSpec[]): ExportColumn[] {
  const columns = new Map<string, ExportColumn>();
  for (const { name, kind } of features) {
    const column = columnName(name);
    if (columns.get(column)?.type !== 'STRING') columns.set(column, { name: column, type: kind === 'categorical' ? 'STRING' : 'DOUBLE' });
  }
  return [...FIXED, ...columns.values()];
}

/** A feature called like a fixed column is exported as `feature.<name>`. */
export const columnName = (feature: string): string => (FIXED_NAMES.has(feature) ? `feature.${feature}` : feature);

export interface Exported {
  readonly predictionId: string;
  readonly model: string;
  readonly version: string | null;
  readonly role: string | null;
  readonly occurredAt: Date;
  readonly requestedAt: Date;
  readonly score: number | null;
  readonly fallback: string | null;
  readonly outcome: number | boolean | string | null;
  readonly values: readonly FeatureValue[];
}

export function exportRow(exported: Exported, features: readonly FeatureSpec[], columns: ReadonlyMap<string, ExportColumn>): ExportRow {
  const { outcome } = exported;
  const row: ExportRow = {
    prediction_id: exported.predictionId, model: exported.model, version: exported.version, role: exported.role, occurred_at: exported.occurredAt,
    requested_at: exported.requestedAt, score: exported.score, outcome: outcome === null || typeof outcome === 'string' ? null : Number(outcome),
    outcome_text: typeof outcome === 'string' ? outcome : null, fallback: exported.fallback,
  };
  for (const column of columns.values()) row[column.name] ??= null;
  features.forEach(({ name }, index) => {
    const column = columnName(name);
    row[column] = valueIn(columns.get(column)?.type, exported.values[index] ?? null);
  });
  return row;
}

/** Numbers that travel as text ("NaN", integers beyond 2^53) become numbers again in a numeric column; a number that was hashed is missing there. */
function valueIn(type: ExportColumn['type'] | undefined, value: FeatureValue): string | number | null {
  if (value === null) return null;
  if (type === 'STRING') return String(value);
  return isHash(value) ? null : Number(value);
}
