import { createHash } from 'node:crypto';
import type { FeatureSpec } from '@throughline/contracts';
import type { FeatureValue } from '../../domain/features-codec.js';

export type ArchiveType = 'STRING' | 'DOUBLE' | 'INT64' | 'BOOLEAN' | 'TIMESTAMP' | 'BYTE_ARRAY';

export interface ArchiveColumn {
  readonly name: string;
  readonly type: ArchiveType;
}

export type ArchiveValue = string | number | bigint | boolean | Date | Uint8Array | null;

/** How PostgreSQL's types are archived; JSON as its text. */
const TYPES: Readonly<Record<string, ArchiveType>> = {
  uuid: 'STRING', text: 'STRING', date: 'STRING', jsonb: 'STRING', 'timestamp with time zone': 'TIMESTAMP', 'double precision': 'DOUBLE', bigint: 'INT64', integer: 'INT64', smallint: 'INT64',
  boolean: 'BOOLEAN', bytea: 'BYTE_ARRAY',
};

/** A column of a table, with PostgreSQL's name of its type. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
}

/** Every column of a table, whatever it is called. */
export const archiveColumnOf = ({ name, type }: TableColumn, prefix = ''): ArchiveColumn => ({ name: `${prefix}${name}`, type: TYPES[type] ?? 'STRING' });

/** SQL that selects a column in a form that `archiveValue` reads; microseconds and large integers do not survive JavaScript's own types. */
export function selected({ name, type }: TableColumn, table: string, as: string): string {
  const column = `${table}."${name}"`;
  return `${type in TYPES && !['uuid', 'date', 'jsonb', 'bigint'].includes(type) ? column : `${column}::text`} AS "${as}"`;
}

export function archiveValue(type: ArchiveType, value: unknown): ArchiveValue {
  if (value === null || value === undefined) return null;
  if (type === 'INT64') return BigInt(value as string | number);
  return value as ArchiveValue;
}

const FEATURE_PREFIX = 'feature.';

/** A column a feature of any version that answered that day; a feature that is text in one version is text in the column. */
export function featureColumns(features: Iterable<readonly FeatureSpec[]>): ArchiveColumn[] {
  const types = new Map<string, ArchiveType>();
  for (const { name, kind } of [...features].flat()) if (types.get(name) !== 'STRING') types.set(name, kind === 'categorical' ? 'STRING' : 'DOUBLE');
  return [...types].map(([name, type]) => ({ name: `${FEATURE_PREFIX}${name}`, type }));
}

/** The features as used, by the names of their columns. Text in a column of numbers is null there; `features` and `feature_extras` hold every bit. */
export function featureValues(values: readonly FeatureValue[], specs: readonly FeatureSpec[], types: ReadonlyMap<string, ArchiveType>): Record<string, ArchiveValue> {
  return Object.fromEntries(specs.map(({ name }, index) => {
    const column = `${FEATURE_PREFIX}${name}`;
    const value = values[index] ?? null;
    if (value === null) return [column, null];
    const number = Number(value);
    return [column, types.get(column) === 'STRING' ? String(value) : Number.isNaN(number) && value !== 'NaN' ? null : number];
  }));
}

const MAX_NAME_CHARACTERS = 150;

/** Where a day of a model lies beneath the archive's folder, laid out as DuckDB and Spark find partitions by themselves. */
export function archivePath(kind: 'predictions' | 'shadows', model: string, day: string, part: number): string {
  const encoded = encodeURIComponent(model.toWellFormed());
  // A rejected request names any model it likes.
  const name = encoded.length <= MAX_NAME_CHARACTERS ? encoded : `${encoded.slice(0, MAX_NAME_CHARACTERS - 20)}~${createHash('sha256').update(model).digest('hex').slice(0, 16)}`;
  return `${kind}/model=${name}/day=${day}/part-${part}.parquet`;
}
