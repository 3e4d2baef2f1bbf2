import { query } from '@throughline/db';
import { inTransaction } from '@throughline/db';
import type { FeatureSpec } from '@throughline/contracts';
import type { DataSource } from 'typeorm';
import { unpackFeatures, type FeatureDtype, type FeatureValue } from '../domain/features-codec.js';
import { positionalName } from '../domain/story.js';
import type { ServedVersions } from '../store/served-versions.js';
import { writeArchive, type ArchivedFile, type ArchiveRow } from './archive-file.js';
import { columnsOfTable, tableOf } from './day-tables.js';
import { archiveColumnOf, archivePath, archiveValue, featureColumns, featureValues, selected, type ArchiveColumn, type TableColumn } from './domain/archive.js';

const PAGE_ROWS = 2_000;
const FIRST = { at: '-infinity', id: '00000000-0000-0000-0000-000000000000', version: '' };
const JOINED_PREFIX = 'joined.';

type Kind = ArchivedFile['kind'];
type PageRow = Readonly<Record<string, unknown>> & { readonly position_at: string; readonly prediction_id: string; readonly version: string | null };

/** Everything said about the predictions of a page, superseded statements included. */
const HISTORY = `(SELECT json_agg(json_build_object('source', o.source, 'sequence', o.sequence, 'value', o.value, 'occurredAt', o.occurred_at, 'observedAt', o.observed_at, 'receivedAt', o.received_at)
    ORDER BY o.recorded_at, o.source, o.sequence)::text FROM outcome o WHERE o.subject_id = p.prediction_id) AS outcomes`;

/** Writes a day of the ledger into Parquet files, one a model: every column, the features as used by name, and what came of it. */
export class DayArchive {
  constructor(
    readonly folder: string,
    private readonly dataSource: DataSource,
    private readonly servedVersions: Pick<ServedVersions, 'entryById'>,
  ) {}

  /** @throws when a file cannot be written or does not hold what it should */
  async write(day: string, part: number): Promise<ArchivedFile[]> {
    return [...(await this.writeKind('predictions', day, part)), ...(await this.writeKind('shadows', day, part))];
  }

  private async writeKind(kind: Kind, day: string, part: number): Promise<ArchivedFile[]> {
    const table = tableOf(kind === 'predictions' ? 'prediction' : 'prediction_shadow', day);
    const own = await columnsOfTable(this.dataSource, table);
    const joined = kind === 'predictions' ? (await columnsOfTable(this.dataSource, tableOf('prediction_joined', day))).filter(({ name }) => name !== 'prediction_id' && name !== 'day') : [];
    const files: ArchivedFile[] = [];
    for (const { model } of await query<{ model: string }>(this.dataSource, `SELECT DISTINCT model FROM ${table} ORDER BY model`)) {
      const specs = await this.featuresOf(table, model);
      const features = featureColumns(specs.values());
      const columns: ArchiveColumn[] = [...own.map((column) => archiveColumnOf(column)), ...joined.map((column) => archiveColumnOf(column, JOINED_PREFIX)), ...(kind === 'predictions' ? [{ name: 'outcomes', type: 'STRING' as const }] : []), ...features];
      const path = archivePath(kind, model, day, part);
      files.push({ kind, model, path, ...(await writeArchive(this.folder, path, columns, this.rows(pageSql(kind, day, own, joined), model, columns, specs))) });
    }
    return files;
  }

  /** What the values of each version are called; of one that no deployment has described, by their place. */
  private async featuresOf(table: string, model: string): Promise<Map<number, readonly FeatureSpec[]>> {
    return inTransaction(this.dataSource, async (manager) => {
      const used: { id: number; width: number | null }[] = await manager.query(
        `SELECT served_version_id AS id, max(length(features) / feature_dtype) AS width FROM ${table} WHERE model = $1 AND served_version_id IS NOT NULL GROUP BY 1 ORDER BY 1`, [model]);
      const specs = new Map<number, readonly FeatureSpec[]>();
      for (const { id, width } of used) {
        const named = (await this.servedVersions.entryById(manager, id))?.signature?.features;
        specs.set(id, named ?? Array.from({ length: width ?? 0 }, (_, index) => ({ name: positionalName(index), kind: 'numeric' as const })));
      }
      return specs;
    });
  }

  private async *rows(sql: string, model: string, columns: readonly ArchiveColumn[], specs: ReadonlyMap<number, readonly FeatureSpec[]>): AsyncGenerator<ArchiveRow> {
    const types = new Map(columns.map(({ name, type }) => [name, type]));
    for (let { at, id, version } = FIRST; ; ) {
      const page = await query<PageRow>(this.dataSource, sql, [model, at, id, version, PAGE_ROWS]);
      for (const row of page) {
        const plain = Object.fromEntries(columns.map(({ name, type }) => [name, archiveValue(type, row[name])]));
        yield { ...plain, ...featureValues(valuesOf(row), specs.get(Number(row['served_version_id'])) ?? [], types) };
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_ROWS) return;
      [at, id, version] = [last.position_at, last.prediction_id, last.version ?? ''];
    }
  }
}

function pageSql(kind: Kind, day: string, own: readonly TableColumn[], joined: readonly TableColumn[]): string {
  const from = kind === 'predictions' ? `${tableOf('prediction', day)} p LEFT JOIN ${tableOf('prediction_joined', day)} j ON j.prediction_id = p.prediction_id` : `${tableOf('prediction_shadow', day)} p`;
  const columns = [...own.map((column) => selected(column, 'p', column.name)), ...joined.map((column) => selected(column, 'j', `${JOINED_PREFIX}${column.name}`)), 'p.occurred_at::text AS position_at', ...(kind === 'predictions' ? [HISTORY] : [])];
  return `SELECT ${columns.join(', ')} FROM ${from} WHERE p.model = $1 AND (p.occurred_at, p.prediction_id, coalesce(p.version, '')) > ($2::timestamptz, $3::uuid, $4)
    AND p.occurred_at >= $2::timestamptz ORDER BY p.occurred_at, p.prediction_id, coalesce(p.version, '') LIMIT $5`;
}

function valuesOf(row: PageRow): FeatureValue[] {
  const bytes = row['features'] as Buffer | null;
  if (bytes === null) return [];
  return unpackFeatures({ dtype: Number(row['feature_dtype']) as FeatureDtype, bytes, extras: row['feature_extras'] === null ? undefined : (JSON.parse(row['feature_extras'] as string) as Record<string, FeatureValue>) });
}
