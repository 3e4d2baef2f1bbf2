import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { query } from '@throughline/db';
import { DataSource } from 'typeorm';
import type { PredictionFilter } from './domain/filter.js';

export interface SavedQuery {
  readonly name: string;
  readonly filter: PredictionFilter;
  readonly author: string;
  readonly savedAt: Date;
}

const COLUMNS = 'name, filter, author, saved_at AS "savedAt"';

/** Questions that are asked again. */
@Injectable()
export class SavedQueries {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  async put(name: string, filter: PredictionFilter, author: string): Promise<SavedQuery> {
    const [row] = await query<SavedQuery>(this.dataSource,
      `INSERT INTO saved_query (name, filter, author) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET filter = excluded.filter, author = excluded.author, saved_at = now() RETURNING ${COLUMNS}`,
      [name, JSON.stringify(filter), author]);
    return row as SavedQuery;
  }

  async list(): Promise<SavedQuery[]> {
    return query<SavedQuery>(this.dataSource, `SELECT ${COLUMNS} FROM saved_query ORDER BY name`);
  }

  /** @throws ContractError `not_found` */
  async get(name: string): Promise<SavedQuery> {
    const [row] = await query<SavedQuery>(this.dataSource, `SELECT ${COLUMNS} FROM saved_query WHERE name = $1`, [name]);
    if (row === undefined) throw new ContractError('not_found', `there is no saved query “${name}”`, { cure: '`npx throughline predictions queries` (GET /ledger/v1/queries) lists them.' });
    return row;
  }

  async remove(name: string): Promise<void> {
    await this.get(name);
    await query(this.dataSource, 'DELETE FROM saved_query WHERE name = $1', [name]);
  }
}
