import { query } from '@throughline/db';
import type { DataSource, EntityManager } from 'typeorm';
import type { Assignment } from '../../domain/deployment.js';
import { unknownModel } from '../../domain/names.js';
import type { Evidence } from '../domain/evidence.js';
import type { Rollout, Status } from '../domain/rollout.js';
import type { RolloutSpec } from '../domain/spec.js';
import type { Verdict } from '../domain/verdict.js';

/** A rollout with what is told of it. */
export interface StoredRollout extends Rollout {
  readonly author: string;
  readonly reason: string | undefined;
  readonly endedAtMs: number | undefined;
  /** Why it ended as it did, in a sentence. */
  readonly conclusion: string | undefined;
}

export interface RolloutEvent {
  readonly id: string;
  readonly at: Date;
  readonly actor: string;
  readonly kind: string;
  readonly step: number;
  readonly revision: number;
  readonly reason: string | undefined;
  readonly verdicts: readonly Verdict[] | undefined;
  readonly hasEvidence: boolean;
}

interface Row {
  id: string; model: string; champion: number; spec: RolloutSpec; base: Assignment; status: Status; step: number; step_started_at: Date; started_at: Date;
  breaches: number; judged_samples: string; judged_at: Date | null; author: string; reason: string | null; ended_at: Date | null; conclusion: string | null;
}

const SELECT = 'SELECT id, model, champion, spec, base, status, step, step_started_at, started_at, breaches, judged_samples, judged_at, author, reason, ended_at, conclusion FROM rollouts';

/** Rows of rollouts, their steps and their history. Whoever writes holds the model's lock. */
export class RolloutStore {
  constructor(private readonly dataSource: DataSource) {}

  async find(model: string, id: string, manager: EntityManager = this.dataSource.manager): Promise<StoredRollout | undefined> {
    return first(await query<Row>(manager, `${SELECT} WHERE model = $1 AND id = $2`, [model, id]));
  }

  async active(model: string, manager: EntityManager = this.dataSource.manager): Promise<StoredRollout | undefined> {
    return first(await query<Row>(manager, `${SELECT} WHERE model = $1 AND ended_at IS NULL`, [model]));
  }

  async allActive(): Promise<StoredRollout[]> {
    return (await query<Row>(this.dataSource, `${SELECT} WHERE ended_at IS NULL ORDER BY started_at`)).map(fromRow);
  }

  /** Newest first. */
  async list(model: string): Promise<StoredRollout[]> {
    const rows = await query<Row>(this.dataSource, `${SELECT} WHERE model = $1 ORDER BY started_at DESC, id LIMIT 200`, [model]);
    // A mistyped name must not look like a model that never had one.
    if (rows.length === 0 && (await query(this.dataSource, 'SELECT 1 FROM models WHERE name = $1', [model])).length === 0) throw unknownModel(model);
    return rows.map(fromRow);
  }

  /** Deployment revision of each step that was reached. */
  async steps(id: string, manager: EntityManager = this.dataSource.manager): Promise<{ step: number; revision: number; startedAt: Date }[]> {
    return query(manager, 'SELECT step, revision, started_at AS "startedAt" FROM rollout_steps WHERE rollout_id = $1 ORDER BY step', [id]);
  }

  /** Oldest first. */
  async events(id: string): Promise<RolloutEvent[]> {
    const rows = await query<Omit<RolloutEvent, 'reason' | 'verdicts'> & { reason: string | null; verdicts: Verdict[] | null }>(
      this.dataSource, 'SELECT id::text, at, actor, kind, step, revision, reason, verdicts, evidence IS NOT NULL AS "hasEvidence" FROM rollout_events WHERE rollout_id = $1 ORDER BY id', [id],
    );
    return rows.map((row) => ({ ...row, reason: row.reason ?? undefined, verdicts: row.verdicts ?? undefined }));
  }

  /** What a verdict was found in. */
  async evidenceOf(id: string, eventId: string): Promise<{ verdicts: Verdict[]; evidence: Evidence } | undefined> {
    const [row] = await query<{ verdicts: Verdict[]; evidence: Evidence }>(this.dataSource, 'SELECT verdicts, evidence FROM rollout_events WHERE rollout_id = $1 AND id = $2 AND evidence IS NOT NULL', [id, eventId]);
    return row;
  }

  async insert(manager: EntityManager, { id, model, champion, spec, base, status, step, stepStartedAtMs, startedAtMs, author, reason }: StoredRollout): Promise<void> {
    await query(manager, `INSERT INTO rollouts (id, model, strategy, champion, candidate, spec, base, status, step, step_started_at, started_at, author, reason)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [id, model, spec.strategy, champion, spec.candidate, JSON.stringify(spec), JSON.stringify(base), status, step, new Date(stepStartedAtMs), new Date(startedAtMs), author, reason ?? null]);
  }

  async update(manager: EntityManager, { id, status, step, stepStartedAtMs, breaches, judgedSamples, judgedAtMs, endedAtMs, conclusion }: StoredRollout): Promise<void> {
    await query(manager, 'UPDATE rollouts SET status = $2, step = $3, step_started_at = $4, breaches = $5, judged_samples = $6, judged_at = $7, ended_at = $8, conclusion = $9 WHERE id = $1',
      [id, status, step, new Date(stepStartedAtMs), breaches, judgedSamples, date(judgedAtMs), date(endedAtMs), conclusion ?? null]);
  }

  async addStep(manager: EntityManager, { id, model, step, stepStartedAtMs }: StoredRollout, revision: number): Promise<void> {
    await query(manager, 'INSERT INTO rollout_steps (rollout_id, step, model, revision, started_at) VALUES ($1, $2, $3, $4, $5)', [id, step, model, revision, new Date(stepStartedAtMs)]);
  }

  async addEvent(manager: EntityManager, { id, step }: StoredRollout, event: { at: Date; actor: string; kind: string; revision: number; reason?: string | undefined; verdicts?: readonly Verdict[] | undefined; evidence?: Evidence | undefined }): Promise<void> {
    const json = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));
    await query(manager, 'INSERT INTO rollout_events (rollout_id, at, actor, kind, step, revision, reason, verdicts, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
      [id, event.at, event.actor, event.kind, step, event.revision, event.reason ?? null, json(event.verdicts), json(event.evidence)]);
  }
}

const date = (ms: number | undefined): Date | null => (ms === undefined ? null : new Date(ms));
const first = ([row]: Row[]): StoredRollout | undefined => (row === undefined ? undefined : fromRow(row));

const fromRow = (row: Row): StoredRollout => ({
  id: row.id, model: row.model, champion: row.champion, spec: row.spec, base: row.base, status: row.status, step: row.step,
  stepStartedAtMs: row.step_started_at.getTime(), startedAtMs: row.started_at.getTime(), breaches: row.breaches, judgedSamples: Number(row.judged_samples),
  judgedAtMs: row.judged_at?.getTime(), author: row.author, reason: row.reason ?? undefined, endedAtMs: row.ended_at?.getTime(), conclusion: row.conclusion ?? undefined,
});
