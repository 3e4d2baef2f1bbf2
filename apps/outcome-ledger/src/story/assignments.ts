import { Inject, Injectable } from '@nestjs/common';
import type { ModelDeployment } from '@throughline/contracts';
import { query, storable } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import { insertRows, timestamp } from '../store/rows.js';
import { contentOfDeployment, type Assignment, type AssignmentContent } from './domain/assignment.js';

/** Bounds what a story reads of a model that changes all the time. */
const MAX_READ = 1000;

/** Remembers who served a model when. */
@Injectable()
export class Assignments {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** What a deployment says; of a revision that is known already it changes nothing. */
  async learn(deployment: ModelDeployment): Promise<void> {
    const { model, revision, updatedAt } = deployment;
    await query(this.dataSource, `${INSERT} ON CONFLICT (model, revision) DO UPDATE ${REPLACE} WHERE assignment.decided_at < excluded.decided_at`, [model, revision, updatedAt, JSON.stringify(storable(contentOfDeployment(deployment)))]);
  }

  /** What the registry says, who decided it included. */
  async remember(model: string, history: readonly Assignment[]): Promise<void> {
    const rows = history.map(({ revision, decidedAtMs, author, reason, ...content }) => ({ model, revision, decided_at: timestamp(decidedAtMs), content, author, reason }));
    await this.dataSource.transaction((manager) => insertRows(manager, 'assignment', COLUMNS, rows, 'ON CONFLICT (model, revision) DO UPDATE SET author = excluded.author, reason = excluded.reason', 'ORDER BY revision'));
  }

  /** Models of which a revision is missing, or who decided one; with their newest revision. */
  incomplete(): Promise<{ model: string; newest: string }[]> {
    return query(this.dataSource, 'SELECT model, max(revision) AS newest FROM assignment GROUP BY model HAVING max(revision) > count(*) OR bool_or(author IS NULL)');
  }
}

/** Assignments of a model from a revision on, in their order. */
export async function assignmentsFrom(manager: EntityManager, model: string, revision: number): Promise<Assignment[]> {
  const rows: Row[] = await manager.query(`SELECT revision, decided_at, content, author, reason FROM assignment WHERE model = $1 AND revision >= $2 ORDER BY revision LIMIT ${MAX_READ}`, [model, revision]);
  return rows.map((row) => ({ ...row.content, revision: Number(row.revision), decidedAtMs: row.decided_at.getTime(), author: row.author ?? undefined, reason: row.reason ?? undefined }));
}

const COLUMNS = { model: 'text', revision: 'bigint', decided_at: 'timestamptz', content: 'jsonb', author: 'text', reason: 'text' } as const;
const INSERT = 'INSERT INTO assignment (model, revision, decided_at, content) VALUES ($1, $2, $3, $4)';
/** A registry that began anew counts from 1 again. */
const REPLACE = 'SET decided_at = excluded.decided_at, content = excluded.content, author = NULL, reason = NULL';

interface Row {
  readonly revision: string;
  readonly decided_at: Date;
  readonly content: AssignmentContent;
  readonly author: string | null;
  readonly reason: string | null;
}
