import type { DataSource, EntityManager } from 'typeorm';
import { AuditRow } from './entities.js';

export type AuditAction = 'version.created' | 'alias.moved' | 'alias.removed' | 'deployment.changed' | 'champion.rolled_back' | 'policy.changed' | 'version.override' | 'version.archived' | 'version.restored' | `rollout.${string}`;

/** Who did it and why, as far as they said. */
export interface Attribution {
  readonly author: string;
  readonly reason?: string | undefined;
  /** Why versions that do not say what made them may serve all the same: the author answers for it. */
  readonly override?: string | undefined;
}

/** Writes one line of the audit, in the transaction of what it tells about. */
export async function writeAudit(manager: EntityManager, entry: { at: Date; actor: string; action: AuditAction; model: string; detail: Record<string, unknown> }): Promise<void> {
  await manager.insert(AuditRow, entry as object);
}

/** Newest first. */
export async function readAudit(dataSource: DataSource, filter: { model?: string | undefined; beforeId?: string | undefined; limit: number }): Promise<AuditRow[]> {
  const lines = dataSource.getRepository(AuditRow).createQueryBuilder('audit').orderBy('audit.id', 'DESC').take(filter.limit);
  if (filter.model !== undefined) lines.andWhere('audit.model = :model', { model: filter.model });
  if (filter.beforeId !== undefined) lines.andWhere('audit.id < :beforeId', { beforeId: filter.beforeId });
  return lines.getMany();
}
