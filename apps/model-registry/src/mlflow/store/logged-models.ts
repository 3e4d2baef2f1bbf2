import { ContractError } from '@throughline/contracts';
import { query } from '@throughline/db';
import type { DataSource } from 'typeorm';
import type { Texts } from './experiments.js';

/** In the order of their numbers in Protocol Buffers. */
export const LOGGED_MODEL_STATUSES = ['LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED'] as const;
export type LoggedModelStatus = (typeof LOGGED_MODEL_STATUSES)[number];

export interface LoggedModel {
  readonly modelId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly runId: string | undefined;
  readonly modelType: string | undefined;
  readonly status: LoggedModelStatus;
  readonly params: Texts;
  readonly tags: Texts;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

interface Row extends Omit<LoggedModel, 'runId' | 'modelType' | 'createdAtMs' | 'updatedAtMs'> {
  readonly runId: string | null;
  readonly modelType: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

const COLUMNS = 'model_id AS "modelId", experiment_id AS "experimentId", name, run_id AS "runId", model_type AS "modelType", status, params, tags, created_at AS "createdAt", updated_at AS "updatedAt"';

/** Models that runs have logged, before anybody registers them. */
export class LoggedModelStore {
  constructor(private readonly dataSource: DataSource) {}

  async create(model: Pick<LoggedModel, 'modelId' | 'experimentId' | 'name' | 'runId' | 'modelType' | 'params' | 'tags'>, nowMs: number): Promise<LoggedModel> {
    await query(this.dataSource, `
      INSERT INTO mlflow_logged_models (model_id, experiment_id, name, run_id, model_type, status, params, tags, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, 'LOGGED_MODEL_PENDING', $6, $7, $8, $8)`,
      [model.modelId, model.experimentId, model.name, model.runId ?? null, model.modelType ?? null, JSON.stringify(model.params), JSON.stringify(model.tags), nowMs]);
    return this.get(model.modelId);
  }

  /** @throws ContractError `not_found` */
  async get(modelId: string): Promise<LoggedModel> {
    const [model] = await this.select('model_id = $1', [modelId]);
    if (model !== undefined) return model;
    throw new ContractError('not_found', `Logged model with ID '${modelId.slice(0, 60)}' not found.`, { cure: 'Search the logged models for the one you mean.' });
  }

  /** Newest first. */
  list(experimentIds: readonly string[]): Promise<LoggedModel[]> {
    return this.select('experiment_id::text = ANY($1)', [experimentIds]);
  }

  /** Newest first. */
  ofRun(runId: string): Promise<LoggedModel[]> {
    return this.select('run_id = $1', [runId]);
  }

  /** @throws ContractError `not_found` */
  async change(modelId: string, change: { status?: LoggedModelStatus; params?: Texts; tags?: Texts }, nowMs: number): Promise<LoggedModel> {
    await query(this.dataSource, `
      UPDATE mlflow_logged_models SET status = coalesce($2, status), params = params || $3::jsonb, tags = tags || $4::jsonb, updated_at = $5 WHERE model_id = $1 AND NOT is_deleted`,
      [modelId, change.status ?? null, JSON.stringify(change.params ?? {}), JSON.stringify(change.tags ?? {}), nowMs]);
    return this.get(modelId);
  }

  /** @throws ContractError `not_found` */
  async removeTag(modelId: string, key: string, nowMs: number): Promise<void> {
    const { tags } = await this.get(modelId);
    if (!Object.hasOwn(tags, key)) throw new ContractError('not_found', `No tag with key '${key}' found for model with ID '${modelId}'.`, { cure: 'List the model’s tags.' });
    await query(this.dataSource, 'UPDATE mlflow_logged_models SET tags = tags - $2, updated_at = $3 WHERE model_id = $1', [modelId, key, nowMs]);
  }

  /** Its files stay: versions may have been registered from them. @throws ContractError `not_found` */
  async remove(modelId: string): Promise<void> {
    await this.get(modelId);
    await query(this.dataSource, 'UPDATE mlflow_logged_models SET is_deleted = true WHERE model_id = $1', [modelId]);
  }

  private async select(where: string, parameters: unknown[]): Promise<LoggedModel[]> {
    const rows = await query<Row>(this.dataSource, `SELECT ${COLUMNS} FROM mlflow_logged_models WHERE NOT is_deleted AND ${where} ORDER BY created_at DESC, model_id`, parameters);
    return rows.map(({ createdAt, updatedAt, runId, modelType, ...row }) => ({
      ...row, experimentId: String(row.experimentId), runId: runId ?? undefined, modelType: modelType ?? undefined, createdAtMs: Number(createdAt), updatedAtMs: Number(updatedAt),
    }));
  }
}
