import { Inject, Injectable } from '@nestjs/common';
import { inTransaction, query } from '@throughline/db';
import { CompiledView, type FeatureViewDefinition } from '@throughline/features';
import { DataSource } from 'typeorm';
import { versionFor } from '../domain/view-versions.js';

export interface StoredView {
  readonly definition: FeatureViewDefinition;
  readonly definedAt: Date;
}

interface Row {
  readonly definition: FeatureViewDefinition;
  readonly defined_at: Date;
}

const toStored = ({ definition, defined_at }: Row): StoredView => ({ definition, definedAt: defined_at });

/** Feature views and all their versions. A version never changes, so that only its compilation is kept in memory. */
@Injectable()
export class ViewStore {
  private readonly compiled = new Map<string, CompiledView>();

  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /**
   * Stores a definition; a changed one becomes a new version.
   *
   * @throws ContractError `invalid_request` for a definition that cannot be computed
   */
  async put(wanted: Omit<FeatureViewDefinition, 'version'>): Promise<{ view: StoredView; created: boolean }> {
    return inTransaction(this.dataSource, async (manager) => {
      await query(manager, `SELECT pg_advisory_xact_lock(hashtextextended('feature_view ' || current_schema(), 0))`);
      const latest = (await query<Row>(manager, 'SELECT definition, defined_at FROM feature_view WHERE name = $1 ORDER BY version DESC LIMIT 1', [wanted.name]))[0];
      const definition = versionFor(latest?.definition, wanted);
      if (definition === latest?.definition) return { view: toStored(latest), created: false };
      const [row] = await query<Row>(
        manager, 'INSERT INTO feature_view (name, version, definition) VALUES ($1, $2, $3) RETURNING definition, defined_at',
        [definition.name, definition.version, JSON.stringify(definition)],
      );
      return { view: toStored(row!), created: true };
    });
  }

  /** Newest version first; empty if there is no such view. */
  async versions(name: string): Promise<StoredView[]> {
    const rows = await query<Row>(this.dataSource, 'SELECT definition, defined_at FROM feature_view WHERE name = $1 ORDER BY version DESC', [name]);
    return rows.map(toStored);
  }

  /** All views, newest version first within a name. */
  async all(source: Pick<DataSource, 'query'> = this.dataSource): Promise<StoredView[]> {
    const rows = await query<Row>(source, 'SELECT definition, defined_at FROM feature_view ORDER BY name, version DESC');
    return rows.map(toStored);
  }

  /** Every version of every view, ready for execution; read anew because any instance may have added one. */
  async allCompiled(source: Pick<DataSource, 'query'>): Promise<CompiledView[]> {
    const views = await this.all(source);
    return views.map(({ definition }) => {
      const key = `${definition.name}@${definition.version}`;
      const compiled = this.compiled.get(key) ?? new CompiledView(definition);
      this.compiled.set(key, compiled);
      return compiled;
    });
  }
}
