import { Inject, Injectable } from '@nestjs/common';
import { inTransaction, query } from '@throughline/db';
import { DataSource } from 'typeorm';
import type { PredictionRecord } from '../domain/prediction.js';
import { insertRows } from '../store/rows.js';

/** Somebody who makes up roles must not fill the memory. */
const MAX_KNOWN = 10_000;

/** Every role that any row's entities have: the index of entities answers for one role at a time. They are few and seldom new. */
@Injectable()
export class EntityRoles {
  private readonly known = new Set<string>();

  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** Resolves when the roles of these records are written down, before the records are. Costs nothing for roles already known. */
  async ensure(records: readonly PredictionRecord[]): Promise<void> {
    const fresh = new Set<string>();
    for (const { entities } of records) for (const role in entities) if (!this.known.has(role)) fresh.add(role);
    if (fresh.size === 0) return;
    await inTransaction(this.dataSource, (manager) => insertRows(manager, 'entity_role', { role: 'text' }, [...fresh].map((role) => ({ role })), 'ON CONFLICT DO NOTHING', 'ORDER BY role'));
    for (const role of fresh) if (this.known.size < MAX_KNOWN) this.known.add(role);
  }

  async all(): Promise<string[]> {
    return (await query<{ role: string }>(this.dataSource, 'SELECT role FROM entity_role ORDER BY role')).map(({ role }) => role);
  }
}
