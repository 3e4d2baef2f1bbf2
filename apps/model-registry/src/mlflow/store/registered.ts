import { ContractError, type ModelSignature } from '@throughline/contracts';
import { query } from '@throughline/db';
import type { DataSource } from 'typeorm';
import type { ArtifactFormat } from '../../domain/format.js';
import type { UploadMetadata } from '../../domain/metadata.js';
import { checkModelName } from '../../domain/names.js';
import type { Texts } from './experiments.js';

export interface RegisteredModel {
  readonly name: string;
  readonly description: string;
  readonly tags: Texts;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly aliases: Readonly<Record<string, number>>;
}

/** A version of the registry, with what MLflow's clients have said about it besides. */
export interface RegisteredVersion {
  readonly model: string;
  readonly version: number;
  readonly format: ArtifactFormat;
  readonly artifactSha256: string;
  readonly sizeBytes: number;
  readonly signature: ModelSignature;
  readonly metadata: UploadMetadata;
  readonly source: string | undefined;
  readonly runId: string | undefined;
  readonly runLink: string | undefined;
  readonly modelId: string | undefined;
  readonly description: string;
  readonly tags: Texts;
  readonly stage: string;
  readonly userId: string;
  readonly aliases: readonly string[];
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface VersionNote {
  readonly source?: string | undefined;
  readonly runId?: string | undefined;
  readonly runLink?: string | undefined;
  readonly modelId?: string | undefined;
  readonly description?: string | undefined;
  readonly tags?: Texts;
  readonly stage?: string;
  readonly userId?: string;
}

type Nullable<T> = { [K in keyof T]: undefined extends T[K] ? Exclude<T[K], undefined> | null : T[K] };
type VersionRow = Nullable<Omit<RegisteredVersion, 'createdAtMs' | 'updatedAtMs'>> & { readonly createdAt: string; readonly updatedAt: string };
type ModelRow = Omit<RegisteredModel, 'createdAtMs' | 'updatedAtMs'> & { readonly createdAt: string; readonly updatedAt: string };

const IS_ARCHIVED = "coalesce((SELECT archived FROM version_archives a WHERE a.model = v.model AND a.version = v.version ORDER BY id DESC LIMIT 1), false)";
const TO_MS = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::bigint`;

// A deleted model whose name has got a version since is there again.
const MODELS_SQL = `
  SELECT m.name, coalesce(n.description, '') AS description, coalesce(n.tags, '{}') AS tags, ${TO_MS('m.created_at')} AS "createdAt",
    greatest(coalesce(n.updated_at, 0), ${TO_MS('m.created_at')}, coalesce((SELECT ${TO_MS('max(created_at)')} FROM versions v WHERE v.model = m.name), 0)) AS "updatedAt",
    (SELECT coalesce(jsonb_object_agg(alias, version), '{}') FROM aliases a WHERE a.model = m.name) AS aliases
  FROM models m LEFT JOIN mlflow_models n ON n.name = m.name
  WHERE ($1::text IS NULL OR m.name = $1) AND (NOT coalesce(n.is_deleted, false) OR EXISTS (SELECT 1 FROM versions v WHERE v.model = m.name AND NOT ${IS_ARCHIVED}))
  ORDER BY m.name`;

const VERSIONS_SQL = `
  SELECT v.model, v.version, v.format, v.artifact_sha256 AS "artifactSha256", v.size_bytes AS "sizeBytes", v.signature, v.metadata,
    n.source, n.run_id AS "runId", n.run_link AS "runLink", n.model_id AS "modelId", coalesce(n.description, v.metadata->>'modelCard', '') AS description,
    coalesce(n.tags, v.metadata->'tags', '{}') AS tags, coalesce(n.stage, 'None') AS stage, coalesce(n.user_id, v.metadata->>'owner', '') AS "userId",
    (SELECT coalesce(jsonb_agg(alias ORDER BY alias), '[]') FROM aliases a WHERE a.model = v.model AND a.version = v.version) AS aliases,
    ${TO_MS('v.created_at')} AS "createdAt", coalesce(n.updated_at, ${TO_MS('v.created_at')}) AS "updatedAt"
  FROM versions v LEFT JOIN mlflow_versions n ON n.model = v.model AND n.version = v.version
  WHERE ($1::text IS NULL OR v.model = $1) AND ($2::integer IS NULL OR v.version = $2) AND NOT ${IS_ARCHIVED}
  ORDER BY v.created_at DESC, v.model, v.version DESC`;

/** The registry's models and versions, seen as MLflow's clients see them: archived ones are deleted. */
export class RegisteredStore {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws ContractError `already_exists`, `invalid_request` for a name that topics and paths could not carry */
  async create(name: string, description: string, tags: Texts, nowMs: number): Promise<RegisteredModel> {
    checkModelName(name);
    if ((await this.models(name)).length > 0) throw new ContractError('already_exists', `Registered Model (name=${name}) already exists.`, { cure: 'Register another version of it.' });
    await query(this.dataSource, 'INSERT INTO models (name, created_at) VALUES ($1, to_timestamp($2::double precision / 1000)) ON CONFLICT DO NOTHING', [name, nowMs]);
    const taken = await query(this.dataSource, `
      INSERT INTO mlflow_models (name, description, tags, updated_at) VALUES ($1, $2, $3, $4)
      ON CONFLICT (name) DO UPDATE SET description = EXCLUDED.description, tags = EXCLUDED.tags, updated_at = EXCLUDED.updated_at, is_deleted = false WHERE mlflow_models.is_deleted
      RETURNING name`, [name, description, JSON.stringify(tags), nowMs]);
    if (taken.length === 0) throw new ContractError('already_exists', `Registered Model (name=${name}) already exists.`, { cure: 'Register another version of it.' });
    return this.model(name);
  }

  /** @throws ContractError `not_found` */
  async model(name: string): Promise<RegisteredModel> {
    const [model] = await this.models(name);
    if (model !== undefined) return model;
    throw new ContractError('not_found', `Registered Model with name=${name.slice(0, 200)} not found`, { cure: 'Create it, or register a version under this name.' });
  }

  /** All, or the one of this name; by name. */
  async models(name?: string): Promise<RegisteredModel[]> {
    const rows = await query<ModelRow>(this.dataSource, MODELS_SQL, [name ?? null]);
    return rows.map(({ createdAt, updatedAt, ...row }) => ({ ...row, createdAtMs: Number(createdAt), updatedAtMs: Number(updatedAt) }));
  }

  /** @throws ContractError `not_found` */
  async noteModel(name: string, change: { description?: string; tags?: Texts; isDeleted?: boolean }, nowMs: number): Promise<void> {
    await this.model(name);
    await query(this.dataSource, `
      INSERT INTO mlflow_models AS n (name, description, tags, updated_at, is_deleted) VALUES ($1, coalesce($2, ''), coalesce($3::jsonb, '{}'), $4, coalesce($5, false))
      ON CONFLICT (name) DO UPDATE SET description = coalesce($2, n.description), tags = coalesce($3::jsonb, n.tags), updated_at = $4, is_deleted = coalesce($5, n.is_deleted)`,
      [name, change.description ?? null, change.tags === undefined ? null : JSON.stringify(change.tags), nowMs, change.isDeleted ?? null]);
  }

  /** @throws ContractError `unknown_version`, also for archived ones */
  async version(model: string, version: string): Promise<RegisteredVersion> {
    if (!/^\d{1,9}$/.test(version)) throw new ContractError('invalid_request', `Parameter 'version' must be an integer, got '${version.slice(0, 40)}'.`, { cure: 'Versions are numbers, beginning with 1.' });
    const [found] = await this.select(model, Number(version));
    if (found !== undefined) return found;
    throw new ContractError('unknown_version', `Model Version (name=${model.slice(0, 200)}, version=${version}) not found`, { cure: 'Search the model’s versions.' });
  }

  /** Newest first; of one model or of all. */
  versions(model?: string): Promise<RegisteredVersion[]> {
    return this.select(model, undefined);
  }

  /** Keeps what MLflow's client says of a version that exists. */
  async noteVersion({ model, version }: Pick<RegisteredVersion, 'model' | 'version'>, note: VersionNote, nowMs: number): Promise<void> {
    const values = [note.source, note.runId, note.runLink, note.modelId, note.description, note.tags === undefined ? undefined : JSON.stringify(note.tags), note.stage, note.userId];
    await query(this.dataSource, `
      INSERT INTO mlflow_versions AS n (model, version, source, run_id, run_link, model_id, description, tags, stage, user_id, updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8::jsonb, '{}'), coalesce($9, 'None'), coalesce($10, ''), $11)
      ON CONFLICT (model, version) DO UPDATE SET source = coalesce($3, n.source), run_id = coalesce($4, n.run_id), run_link = coalesce($5, n.run_link), model_id = coalesce($6, n.model_id),
        description = coalesce($7, n.description), tags = coalesce($8::jsonb, n.tags), stage = coalesce($9, n.stage), user_id = coalesce($10, n.user_id), updated_at = $11`,
      [model, version, ...values.map((value) => value ?? null), nowMs]);
  }

  private async select(model: string | undefined, version: number | undefined): Promise<RegisteredVersion[]> {
    const rows = await query<VersionRow>(this.dataSource, VERSIONS_SQL, [model ?? null, version ?? null]);
    return rows.map(({ createdAt, updatedAt, source, runId, runLink, modelId, ...row }) => ({
      ...row, source: source ?? undefined, runId: runId ?? undefined, runLink: runLink ?? undefined, modelId: modelId ?? undefined, createdAtMs: Number(createdAt), updatedAtMs: Number(updatedAt),
    }));
  }
}
