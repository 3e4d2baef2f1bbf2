import { Inject, Injectable } from '@nestjs/common';
import type { FeatureSpec } from '@throughline/contracts';
import { inTransaction, query } from '@throughline/db';
import { DataSource } from 'typeorm';
import { unpackFeatures, type FeatureDtype, type FeatureValue } from '../domain/features-codec.js';
import { columnsOf, exportRow, type ExportColumn, type ExportRow } from '../domain/export.js';
import { positionalName } from '../domain/story.js';
import { ServedVersions } from './served-versions.js';

export interface ExportRequest {
  readonly model: string;
  /** Event time, from (inclusive) and to (exclusive), RFC 3339. */
  readonly from: string;
  readonly to: string;
  readonly joinedOnly: boolean;
  readonly version?: string | undefined;
  readonly limit: number;
}

export interface Export {
  readonly columns: readonly ExportColumn[];
  /** Row groups, read one after the other as they are asked for; never all at once. */
  readonly rows: AsyncIterable<ExportRow>;
}

const PAGE_ROWS = 5_000;

const PAGE_SQL = `SELECT p.prediction_id, p.model, p.version, p.served_version_id, p.role, p.occurred_at, p.occurred_at::text AS position, p.requested_at, p.score,
    p.fallback_kind, p.features, p.feature_dtype, p.feature_extras, j.outcome
  FROM prediction p LEFT JOIN prediction_joined j ON j.prediction_id = p.prediction_id AND j.day = p.day
  WHERE p.model = $1 AND p.occurred_at >= $2 AND p.occurred_at < $3 AND (p.occurred_at, p.prediction_id) > ($4, $5::uuid) AND p.state <> 'rejected'
    AND ($6::text IS NULL OR p.version = $6) AND (NOT $7 OR j.prediction_id IS NOT NULL)
  ORDER BY p.occurred_at, p.prediction_id LIMIT $8`;

/** Answers of fallbacks may have no features; their version has. */
const VERSIONS_SQL = `SELECT p.served_version_id AS id, max(length(p.features) / p.feature_dtype) AS width FROM prediction p
  WHERE p.model = $1 AND p.occurred_at >= $2 AND p.occurred_at < $3 AND p.state <> 'rejected' AND ($4::text IS NULL OR p.version = $4) GROUP BY p.served_version_id`;

/** Predictions with their features as used and their outcomes, for training and analysis. */
@Injectable()
export class Exports {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(ServedVersions) private readonly servedVersions: ServedVersions,
  ) {}

  async open(request: ExportRequest): Promise<Export> {
    const features = await this.featuresByVersion(request);
    const columns = columnsOf([...features.values()].flat());
    return { columns, rows: this.rows(request, features, new Map(columns.map((column) => [column.name, column]))) };
  }

  /** What the values of each version in the range are called; several versions may name different features. */
  private async featuresByVersion({ model, from, to, version }: ExportRequest): Promise<Map<number, FeatureSpec[]>> {
    return inTransaction(this.dataSource, async (manager) => {
      const used: { id: number; width: number }[] = await manager.query(VERSIONS_SQL, [model, from, to, version ?? null]);
      const named = new Map<number, FeatureSpec[]>();
      for (const { id, width } of used) {
        const signature = (await this.servedVersions.entryById(manager, id))?.signature;
        named.set(id, signature?.features ?? Array.from({ length: width }, (_, index) => ({ name: positionalName(index), kind: 'numeric' as const })));
      }
      return named;
    });
  }

  private async *rows({ model, from, to, version, joinedOnly, limit }: ExportRequest, features: ReadonlyMap<number, FeatureSpec[]>, columns: ReadonlyMap<string, ExportColumn>): AsyncGenerator<ExportRow> {
    let position: [string, string] = ['-infinity', '00000000-0000-0000-0000-000000000000'];
    for (let left = limit; left > 0; ) {
      const page = await query<PageRow>(this.dataSource, PAGE_SQL, [model, from, to, ...position, version ?? null, joinedOnly, Math.min(PAGE_ROWS, left)]);
      for (const row of page) yield exportRow(toExported(row), features.get(row.served_version_id) ?? [], columns);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_ROWS) return;
      position = [last.position, last.prediction_id];
      left -= page.length;
    }
  }
}

interface PageRow {
  readonly prediction_id: string;
  readonly model: string;
  readonly version: string;
  readonly served_version_id: number;
  readonly role: string;
  readonly occurred_at: Date;
  readonly position: string;
  readonly requested_at: Date;
  readonly score: number | null;
  readonly fallback_kind: string | null;
  readonly features: Buffer;
  readonly feature_dtype: FeatureDtype;
  readonly feature_extras: Record<string, FeatureValue> | null;
  readonly outcome: number | boolean | string | null;
}

const toExported = (row: PageRow) => ({
  predictionId: row.prediction_id, model: row.model, version: row.version, role: row.role, occurredAt: row.occurred_at, requestedAt: row.requested_at, score: row.score,
  fallback: row.fallback_kind, outcome: row.outcome, values: unpackFeatures({ dtype: row.feature_dtype, bytes: row.features, extras: row.feature_extras ?? undefined }),
});
