import type { FeatureSpec, ModelSignature } from '@throughline/contracts';
import { planPacking, readNumber, shortestFloat32 } from '@throughline/features';
import { freezeCategoricalProfile, freezeNumericProfile, type FeatureProfile, type ProfileSet } from '@throughline/stats';
import { SCORE } from './names.js';

/** A value of a reference: numbers as they were, text for categories, null for missing. */
export type Cell = number | string | null;

export interface ReferenceTable {
  readonly rowCount: number;
  /** By name of the feature, and `score`. */
  readonly columns: ReadonlyMap<string, readonly Cell[]>;
}

export type ColumnKind = 'numeric' | 'categorical';

/** Columns a reference must have, and of which kind: every feature, and the score if the model has one. */
export function referenceColumns({ features, score }: ModelSignature): Map<string, ColumnKind> {
  const columns = new Map<string, ColumnKind>(features.map(({ name, kind }) => [name, kind]));
  if (score !== undefined) columns.set(SCORE, 'numeric');
  return columns;
}

/**
 * Freezes what a version's features and scores looked like, to compare its traffic with; therefore as traffic has them: missing values
 * replaced by the feature's default, numbers as the model's tensors round them and as they then are written (a value on the edge of a bin must
 * stay there, and a reference in float32 has 0.30000001192092896 where requests and scores have 0.3).
 */
export function freezeProfile({ rowCount, columns }: ReferenceTable, signature: ModelSignature): ProfileSet {
  const freeze = (name: string, kind: ColumnKind, datatype: string | undefined, fallback?: FeatureSpec['default']): FeatureProfile => {
    const cells = columns.get(name) ?? [];
    if (kind === 'categorical') return freezeCategoricalProfile(cells.map((cell) => (cell ?? fallback ?? null) as string | null));
    const missing = fallback === undefined || fallback === null ? null : (readNumber(fallback) ?? null);
    return freezeNumericProfile(cells.map((cell) => round((cell ?? missing) as number | null, datatype)));
  };
  const { features, inputs, outputs, score } = signature;
  const planned = inputs.length === 0 ? [] : planPacking(signature).inputs;
  const datatypeOf = (index: number): string | undefined => planned.find(({ columns }) => columns.includes(index))?.datatype;
  return {
    rowCount,
    features: Object.fromEntries(features.map(({ name, kind, default: fallback }, index) => [name, freeze(name, kind, datatypeOf(index), fallback)])),
    outputs: score === undefined ? {} : { [SCORE]: freeze(SCORE, 'numeric', outputs.find(({ name }) => name === score.output)?.datatype) },
  };
}

const round = (value: number | null, datatype: string | undefined): number | null => (value !== null && datatype === 'FP32' ? shortestFloat32(Math.fround(value)) : value);
