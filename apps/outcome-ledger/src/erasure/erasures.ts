import { randomUUID } from 'node:crypto';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { inTransaction, query } from '@throughline/db';
import { LOGGER, Rounds } from '@throughline/http';
import { counter, METRICS, type Logger } from '@throughline/telemetry';
import { DataSource, type EntityManager } from 'typeorm';
import { HashKeys } from '../privacy/hash-keys.js';
import { fingerprintOf, type Entity } from './domain/entity.js';
import { EntityRoles } from './entity-roles.js';
import { eraseBatch, type Erased } from './erase-batch.js';
import { ENTER_SQL } from './tombstones.js';

export interface ErasureRequest {
  readonly entityId: string;
  readonly entityRole: string | undefined;
  readonly model: string | undefined;
  readonly reason: string;
}

/** An erasure as it is told; it does not say whom it is about. */
export interface Erasure {
  readonly erasureId: string;
  readonly state: 'running' | 'done';
  readonly entityRole: string | null;
  readonly model: string | null;
  readonly reason: string;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly finishedAt: Date | null;
  /** Rows whose values were removed so far. */
  readonly erased: Erased;
}

const RESUME_MS = 5_000;
const MAX_LISTED = 1_000;
const erasedRows = counter(METRICS.ledgerErasedRows);

const COLUMNS = 'id, seq, state, key_id, fingerprints, forms, entity_role, model, requested_at, requested_by, reason, finished_at, predictions, shadows, outcomes, correlations, messages, queries';

/** Forgets entities: a job for each, in bounded steps, taken up again by any instance after a crash. */
@Injectable()
export class Erasures implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private rounds: Rounds | undefined;

  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(HashKeys) private readonly keys: HashKeys,
    @Inject(EntityRoles) private readonly roles: EntityRoles,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds = new Rounds(RESUME_MS, (stopping) => this.run(stopping), (error) => this.logger.warn({ err: error }, 'erasing failed; it goes on'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds?.stop();
  }

  /** Enters the erasure and starts on it; the one that is under way when the same was asked for already. */
  async request({ entityId, entityRole, model, reason }: ErasureRequest, by: string): Promise<Erasure> {
    const key = this.keys.local();
    const forms = this.keys.formsOf(entityId);
    const fingerprints = forms.map((form) => fingerprintOf(key, form));
    const row = await inTransaction(this.dataSource, async (manager) => {
      await manager.query(ENTER_SQL);
      const [running]: ErasureRow[] = await manager.query(
        `SELECT ${COLUMNS} FROM erasure WHERE state = 'running' AND fingerprints = $1 AND entity_role IS NOT DISTINCT FROM $2 AND model IS NOT DISTINCT FROM $3`, [fingerprints, entityRole, model]);
      if (running !== undefined) return running;
      const [entered]: ErasureRow[] = await manager.query(
        `INSERT INTO erasure (id, state, key_id, fingerprints, forms, entity_role, model, requested_at, requested_by, reason) VALUES ($1, 'running', $2, $3, $4, $5, $6, clock_timestamp(), $7, $8) RETURNING ${COLUMNS}`,
        [randomUUID(), key.id, fingerprints, forms, entityRole, model, by, reason]);
      return entered as ErasureRow;
    });
    this.logger.info({ erasureId: row.id, by, model, entityRole }, 'an entity is to be forgotten');
    this.rounds?.soon();
    return erasureOf(row);
  }

  /** Newest first. */
  async list(): Promise<Erasure[]> {
    return (await query<ErasureRow>(this.dataSource, `SELECT ${COLUMNS} FROM erasure ORDER BY seq DESC LIMIT ${MAX_LISTED}`)).map(erasureOf);
  }

  async get(id: string): Promise<Erasure> {
    return erasureOf(await this.row(id));
  }

  /** @throws ContractError `not_found` */
  async row(id: string): Promise<ErasureRow> {
    const [row] = await query<ErasureRow>(this.dataSource, `SELECT ${COLUMNS} FROM erasure WHERE id = $1`, [id]);
    if (row === undefined) throw new ContractError('not_found', `there is no erasure ${id}`);
    return row;
  }

  private async run(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted && (await this.step()));
  }

  /** One bounded step of the oldest erasure that nobody works on; whether there was one. */
  private async step(): Promise<boolean> {
    const roles = await this.roles.all();
    return inTransaction(this.dataSource, async (manager) => {
      const [row]: ErasureRow[] = await manager.query(`SELECT ${COLUMNS} FROM erasure WHERE state = 'running' ORDER BY seq LIMIT 1 FOR UPDATE SKIP LOCKED`);
      if (row === undefined) return false;
      const entity: Entity = { forms: row.forms as string[], role: row.entity_role ?? undefined, model: row.model ?? undefined };
      const { isLast, ...erased } = await eraseBatch(manager, entity, row.requested_at, roles);
      await this.advance(manager, row.id, erased, isLast);
      for (const [table, count] of Object.entries(erased)) if (count > 0) erasedRows.add(count, { table });
      if (isLast) this.logger.info({ erasureId: row.id }, 'the entity is forgotten');
      return true;
    });
  }

  private async advance(manager: EntityManager, id: string, { predictions, shadows, outcomes, correlations, messages, queries }: Erased, isLast: boolean): Promise<void> {
    const done = isLast ? `, state = 'done', forms = NULL, finished_at = clock_timestamp()` : '';
    await manager.query(
      `UPDATE erasure SET predictions = predictions + $2, shadows = shadows + $3, outcomes = outcomes + $4, correlations = correlations + $5, messages = messages + $6, queries = queries + $7 ${done} WHERE id = $1`,
      [id, predictions, shadows, outcomes, correlations, messages, queries]);
  }
}

export interface ErasureRow {
  readonly id: string;
  readonly state: 'running' | 'done';
  readonly key_id: string;
  readonly fingerprints: string[];
  readonly forms: string[] | null;
  readonly entity_role: string | null;
  readonly model: string | null;
  readonly requested_at: Date;
  readonly requested_by: string;
  readonly reason: string;
  readonly finished_at: Date | null;
  readonly predictions: string;
  readonly shadows: string;
  readonly outcomes: string;
  readonly correlations: string;
  readonly messages: string;
  readonly queries: string;
}

export const erasureOf = (row: ErasureRow): Erasure => ({
  erasureId: row.id, state: row.state, entityRole: row.entity_role, model: row.model, reason: row.reason, requestedBy: row.requested_by, requestedAt: row.requested_at, finishedAt: row.finished_at,
  erased: {
    predictions: Number(row.predictions), shadows: Number(row.shadows), outcomes: Number(row.outcomes), correlations: Number(row.correlations), messages: Number(row.messages),
    queries: Number(row.queries),
  },
});
