import { ContractError, type GoldenInputs, type ServedVersion } from '@throughline/contracts';
import { inTransaction } from '@throughline/db';
import { In, type DataSource, type EntityManager } from 'typeorm';
import type { UploadMetadata } from '../domain/metadata.js';
import { unknownModel, unknownVersion } from '../domain/names.js';
import { writeAudit } from './audit.js';
import { ModelRow, VersionRow } from './entities.js';

export type NewVersion = Omit<VersionRow, 'version' | 'hasBaseline' | 'createdAt' | 'golden' | 'artifactSignature'> & { readonly author: string; readonly golden?: GoldenInputs | null; readonly artifactSignature?: string | null };

export interface ListedModel {
  readonly name: string;
  readonly createdAt: Date;
  /** Null for a name without a version yet, as MLflow's clients make them. */
  readonly latestVersion: number | null;
  readonly aliases: Record<string, number>;
  readonly revision: number;
}

const LIST_SQL = `
  SELECT name, created_at AS "createdAt",
    (SELECT max(version) FROM versions WHERE model = name) AS "latestVersion",
    (SELECT coalesce(jsonb_object_agg(alias, version), '{}') FROM aliases WHERE model = name) AS aliases,
    (SELECT coalesce(max(revision), 0) FROM deployments WHERE model = name) AS revision
  FROM models WHERE $1::text IS NULL OR name = $1 ORDER BY name`;

/** Versions of models: written once, never changed. */
export class VersionStore {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Adds a version, numbered after the last; or gives back the one that the same upload has made before.
   *
   * @throws ContractError `unknown_version` when it names a parent that does not exist
   */
  add(version: NewVersion, at: Date): Promise<{ row: VersionRow; created: boolean }> {
    return inTransaction(this.dataSource, async (manager) => {
      await manager.query('INSERT INTO models (name, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING', [version.model, at]);
      await lockModel(manager, version.model);
      const existing = await this.findUpload(version.model, version.uploadDigest, manager);
      if (existing !== undefined) return { row: existing, created: false };
      const { author, ...values } = version;
      await this.requireParent(version.model, version.metadata, manager);
      const last = await manager.maximum(VersionRow, 'version', { model: version.model });
      const row = { ...values, version: (last ?? 0) + 1, createdAt: at };
      await manager.insert(VersionRow, row as object);
      await writeAudit(manager, { at, actor: author, action: 'version.created', model: row.model, detail: { version: String(row.version), artifactSha256: row.artifactSha256 } });
      return { row: await this.get(row.model, row.version, manager), created: true };
    });
  }

  /** @throws ContractError `unknown_version` when the metadata names a parent that does not exist */
  async requireParent(model: string, metadata: UploadMetadata, manager: EntityManager = this.dataSource.manager): Promise<void> {
    const { parentVersion } = metadata;
    if (parentVersion === undefined) return;
    const exists = /^[1-9]\d{0,8}$/.test(parentVersion) && (await manager.existsBy(VersionRow, { model, version: Number(parentVersion) }));
    if (!exists) throw new ContractError('unknown_version', `metadata: parentVersion “${parentVersion}” is no version of “${model}”`);
  }

  async findUpload(model: string, uploadDigest: string, manager: EntityManager = this.dataSource.manager): Promise<VersionRow | undefined> {
    return (await manager.findOneBy(VersionRow, { model, uploadDigest })) ?? undefined;
  }

  /** @throws ContractError `unknown_version`, or `not_found` when the model does not exist either */
  async get(model: string, version: number, manager: EntityManager = this.dataSource.manager): Promise<VersionRow> {
    const row = await manager.findOneBy(VersionRow, { model, version });
    if (row !== null) return row;
    throw (await manager.existsBy(ModelRow, { name: model })) ? unknownVersion(model, version) : unknownModel(model);
  }

  async baselineProfile(model: string, version: number): Promise<object | undefined> {
    const row = await this.dataSource.manager.findOne(VersionRow, { where: { model, version }, select: { model: true, version: true, baselineProfile: true } });
    return row?.baselineProfile ?? undefined;
  }

  /** Newest first. @throws ContractError `not_found` */
  async list(model: string): Promise<VersionRow[]> {
    const rows = await this.dataSource.manager.find(VersionRow, { where: { model }, order: { version: 'DESC' } });
    if (rows.length === 0 && !(await this.dataSource.manager.existsBy(ModelRow, { name: model }))) throw unknownModel(model);
    return rows;
  }

  /** All models, or the one of this name. */
  listModels(name?: string): Promise<ListedModel[]> {
    return this.dataSource.query(LIST_SQL, [name ?? null]);
  }
}

/** From here to the end of the transaction nobody else writes to this model. @throws ContractError `not_found` */
export async function lockModel(manager: EntityManager, name: string): Promise<void> {
  const row = await manager.findOne(ModelRow, { where: { name }, lock: { mode: 'pessimistic_write' } });
  if (row === null) throw unknownModel(name);
}

/** Versions as a deployment event carries them. @throws ContractError `unknown_version` */
export async function servedVersions(manager: EntityManager, model: string, versions: readonly number[]): Promise<(version: number) => ServedVersion> {
  const rows = await manager.createQueryBuilder(VersionRow, 'version').addSelect('version.baselineProfile').where({ model, version: In([...versions]) }).getMany();
  const served = new Map(rows.map((row) => [row.version, toServed(row)]));
  const missing = versions.find((version) => !served.has(version));
  if (missing !== undefined) throw unknownVersion(model, missing);
  return (version) => served.get(version)!;
}

const toServed = ({ version, format, artifactSha256, sizeBytes, signature, metadata, baselineProfile, golden, artifactSignature }: VersionRow): ServedVersion => ({
  version: String(version), format, artifactSha256, sizeBytes, signature,
  ...(metadata.metrics === undefined ? {} : { metrics: metadata.metrics }),
  ...(baselineProfile === null || baselineProfile === undefined ? {} : { baselineProfile }),
  ...(golden === null ? {} : { golden }),
  ...(artifactSignature === null ? {} : { artifactSignature }),
});
