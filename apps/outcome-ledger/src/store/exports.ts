import { Inject, Injectable } from '@nestjs/common';
import type { FeatureSpec } from '@throughline/contracts';
import { inTransaction } from '@throughline/db';
import { DataSource } from 'typeorm';
import { unpackFeatures, type FeatureDtype, type FeatureValue } from '../domain/features-codec.js';
import { columnsOf, exportRow, type ExportColumn, type ExportRow } from '../domain/export.js';
import { positionalName } from '../domain/story.js';
import type { PredictionFilter } from '../queries/domain/filter.js';
import { Pages, type Position } from '../queries/pages.js';
import { ServedVersions } from './served-versions.js';

/** Rows at most, where nobody says. */
export const MAX_EXPORTED = 1_000_000;

export interface Export {
  readonly columns: readonly ExportColumn[];
  /** Row groups, read one after the other as they are asked for; never all at once. */
  readonly rows: AsyncIterable<ExportRow>;
}

const PAGE_ROWS = 5_000;

const COLUMNS = 'p.model, p.version, p.served_version_id, p.role, p.requested_at, p.score, p.fallback_kind, p.features, p.feature_dtype, p.feature_extras, j.outcome';
/** What was erased has no features to learn from, and would count as one without. */
const KEPT = 'p.erased_at IS NULL';
const PAGE_LIMIT_MS = 120_000;

/** Answers of fallbacks may have no features; their version has. */
const VERSIONS_SQL = `SELECT p.served_version_id AS id, max(length(p.features) / p.feature_dtype) AS width FROM prediction p
  WHERE ($1::text IS NULL OR p.model = $1) AND p.occurred_at >= $2 AND p.occurred_at < $3 AND p.state <> 'rejected' AND ($4::text IS NULL OR p.version = $4) GROUP BY p.served_version_id`;

/** Predictions with their features as used and their outcomes, for training and analysis. */
@Injectable()
export class Exports {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(ServedVersions) private readonly servedVersions: ServedVersions,
    @Inject(Pages) private readonly pages: Pages,
  ) {}

  /** What matches the filter; requests that were rejected only when it asks for them. */
  async open(filter: PredictionFilter, limit: number): Promise<Export> {
    const features = await this.featuresByVersion(filter);
    const columns = columnsOf([...features.values()].flat());
    return { columns, rows: this.rows(filter, limit, features, new Map(columns.map((column) => [column.name, column]))) };
  }

  /** What the values of each version in the range are called; several versions may name different features. */
  private async featuresByVersion({ model, from = '-infinity', to = 'infinity', version }: PredictionFilter): Promise<Map<number, FeatureSpec[]>> {
    return inTransaction(this.dataSource, async (manager) => {
      const used: { id: number; width: number }[] = await manager.query(VERSIONS_SQL, [model ?? null, from, to, version ?? null]);
      const named = new Map<number, FeatureSpec[]>();
      for (const { id, width } of used) {
        const signature = (await this.servedVersions.entryById(manager, id))?.signature;
        named.set(id, signature?.features ?? Array.from({ length: width }, (_, index) => ({ name: positionalName(index), kind: 'numeric' as const })));
      }
      return named;
    });
  }

  private async *rows(filter: PredictionFilter, limit: number, features: ReadonlyMap<number, FeatureSpec[]>, columns: ReadonlyMap<string, ExportColumn>): AsyncGenerator<ExportRow> {
    const isOfRejected = filter.state === 'rejected' || filter.code !== undefined;
    const only = isOfRejected ? KEPT : `${KEPT} AND p.state <> 'rejected'`;
    let after: Position | undefined;
    for (let left = limit; left > 0; left -= PAGE_ROWS) {
      const page = await this.pages.read<PageRow>({ filter, columns: COLUMNS, order: 'oldest_first', after, limit: Math.min(PAGE_ROWS, left), only, limitMs: PAGE_LIMIT_MS });
      for (const row of page) yield exportRow(toExported(row), (row.served_version_id === null ? undefined : features.get(row.served_version_id)) ?? [], columns);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_ROWS) return;
      after = { occurredAtMs: last.occurred_at.getTime(), predictionId: last.prediction_id };
    }
  }
}

interface PageRow {
  readonly prediction_id: string;
  readonly model: string;
  readonly version: string | null;
  readonly served_version_id: number | null;
  readonly role: string | null;
  readonly occurred_at: Date;
  readonly requested_at: Date;
  readonly score: number | null;
  readonly fallback_kind: string | null;
  readonly features: Buffer | null;
  readonly feature_dtype: FeatureDtype | null;
  readonly feature_extras: Record<string, FeatureValue> | null;
  readonly outcome: number | boolean | string | null;
}

const toExported = (row: PageRow) => ({
  predictionId: row.prediction_id, model: row.model, version: row.version, role: row.role, occurredAt: row.occurred_at, requestedAt: row.requested_at, score: row.score,
  fallback: row.fallback_kind, outcome: row.outcome, values: row.features === null || row.feature_dtype === null ? [] : unpackFeatures({ dtype: row.feature_dtype, bytes: row.features, extras: row.feature_extras ?? undefined }),
});
