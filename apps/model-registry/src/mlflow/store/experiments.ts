import { ContractError } from '@throughline/contracts';
import { query } from '@throughline/db';
import type { DataSource } from 'typeorm';

export type LifecycleStage = 'active' | 'deleted';
export type Texts = Readonly<Record<string, string>>;

export interface Experiment {
  readonly id: string;
  readonly name: string;
  readonly stage: LifecycleStage;
  readonly tags: Texts;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

interface Row extends Omit<Experiment, 'createdAtMs' | 'updatedAtMs'> {
  readonly createdAt: string;
  readonly updatedAt: string;
}

const COLUMNS = 'id, name, stage, tags, created_at AS "createdAt", updated_at AS "updatedAt"';

/** Experiments: names under which runs are kept. Number 0 is the default one. */
export class ExperimentStore {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws ContractError `already_exists` */
  async create(name: string, tags: Texts, nowMs: number): Promise<string> {
    const [row] = await query<{ id: string }>(this.dataSource, 'INSERT INTO mlflow_experiments (name, tags, created_at, updated_at) VALUES ($1, $2, $3, $3) ON CONFLICT (name) DO NOTHING RETURNING id', [name, JSON.stringify(tags), nowMs]);
    if (row !== undefined) return row.id;
    throw new ContractError('already_exists', `Experiment(name=${name}) already exists, perhaps deleted.`, { cure: 'Restore it, or choose another name.' });
  }

  /** @throws ContractError `not_found` */
  async get(id: string): Promise<Experiment> {
    const found = /^\d{1,18}$/.test(id) ? await this.select('WHERE id = $1', [id]) : [];
    if (found[0] !== undefined) return found[0];
    throw new ContractError('not_found', `No Experiment with id=${id.slice(0, 40)} exists`, { cure: 'Search the experiments for the one you mean.' });
  }

  /** @throws ContractError `not_found` */
  async getByName(name: string): Promise<Experiment> {
    const [found] = await this.select('WHERE name = $1', [name]);
    if (found !== undefined) return found;
    throw new ContractError('not_found', `Could not find experiment with name '${name.slice(0, 200)}'`, { cure: 'Create it.' });
  }

  /** Newest first. */
  list(): Promise<Experiment[]> {
    return this.select('ORDER BY created_at DESC, id DESC', []);
  }

  /** @throws ContractError `not_found`, `already_exists` */
  async update(id: string, change: { name?: string; stage?: LifecycleStage; tags?: Texts }, nowMs: number): Promise<void> {
    const { name } = await this.get(id);
    if (change.name !== undefined && change.name !== name && (await this.select('WHERE name = $1', [change.name])).length > 0) throw new ContractError('already_exists', `Experiment(name=${change.name}) already exists.`);
    await query(this.dataSource, 'UPDATE mlflow_experiments SET name = $2, stage = coalesce($3, stage), tags = coalesce($4, tags), updated_at = $5 WHERE id = $1', [id, change.name ?? name, change.stage ?? null, change.tags === undefined ? null : JSON.stringify(change.tags), nowMs]);
  }

  private async select(rest: string, parameters: unknown[]): Promise<Experiment[]> {
    const rows = await query<Row>(this.dataSource, `SELECT ${COLUMNS} FROM mlflow_experiments ${rest}`, parameters);
    return rows.map(({ createdAt, updatedAt, ...row }) => ({ ...row, createdAtMs: Number(createdAt), updatedAtMs: Number(updatedAt) }));
  }
}
