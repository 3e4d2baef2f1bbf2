import { Inject, Injectable } from '@nestjs/common';
import type { ModelDeployment, ModelSignature, ServedVersion } from '@throughline/contracts';
import { LRUCache } from 'lru-cache';
import { DataSource, type EntityManager } from 'typeorm';
import type { Reading } from '../domain/joining.js';
import { Declarations } from '../outcomes/store/declarations.js';
import { inTransaction } from '@throughline/db';

export interface KnownVersion {
  readonly id: number;
  readonly model: string;
  readonly artifactSha256: string;
  /** Absent until the deployment that serves it has been seen; for pinned versions it may never be. */
  readonly signature: ModelSignature | undefined;
}

interface VersionName {
  readonly model: string;
  readonly version: string;
  readonly artifactSha256: string;
}

const MAX_CACHED = 10_000;
const keyOf = ({ model, version, artifactSha256 }: VersionName): string => `${model}\n${version}\n${artifactSha256}`;

/** The dictionary of what the ledger's rows refer to: a version's feature names, task and threshold, written once instead of on every row. */
@Injectable()
export class ServedVersions {
  private readonly byName = new LRUCache<string, KnownVersion>({ max: MAX_CACHED });
  private readonly byId = new LRUCache<number, KnownVersion>({ max: MAX_CACHED });

  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(Declarations) private readonly declarations: Declarations,
  ) {}

  /** Remembers the signatures of everything that a deployment serves, be it instead of another. */
  async learn({ model, champion, challengers, shadows, standbys = [], fallbacks = [] }: ModelDeployment): Promise<void> {
    const standIns = fallbacks.flatMap((fallback) => ('served' in fallback ? [fallback.served] : []));
    for (const served of [champion, ...challengers, ...shadows, ...standbys, ...standIns]) if (served !== undefined) await this.upsert(model, served);
  }

  /** The entry of a version; makes an empty one for a version that no deployment has named yet. */
  async entryOf(name: VersionName): Promise<KnownVersion> {
    const cached = this.byName.get(keyOf(name));
    if (cached !== undefined) return cached;
    const parameters = [name.model, name.version, name.artifactSha256];
    await this.query(`INSERT INTO served_version (model, version, artifact_sha256) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, parameters);
    const [row] = await this.query(`SELECT id, signature FROM served_version WHERE model = $1 AND version = $2 AND artifact_sha256 = $3`, parameters);
    return this.remember(name, row as EntryRow);
  }

  /** How to read scores and outcomes of the entry with this id, as its model declares today. */
  async readingOf(manager: EntityManager, id: number): Promise<Reading | undefined> {
    const entry = await this.entryById(manager, id);
    return entry === undefined ? undefined : { task: entry.signature?.task, threshold: entry.signature?.score?.threshold, declared: this.declarations.of(entry.model) };
  }

  /** The entry with this id, read on the caller's connection: a second one, asked for within a transaction, can wait for ever. */
  async entryById(manager: EntityManager, id: number): Promise<KnownVersion | undefined> {
    const cached = this.byId.get(id);
    if (cached !== undefined) return cached;
    const [row] = await manager.query<object[]>(`SELECT id, signature, model, version, artifact_sha256 AS "artifactSha256" FROM served_version WHERE id = $1`, [id]);
    return row === undefined ? undefined : this.remember(row as EntryRow & VersionName, row as EntryRow);
  }

  private async upsert(model: string, { version, artifactSha256, signature }: ServedVersion): Promise<void> {
    const rows = await this.query(
      `INSERT INTO served_version (model, version, artifact_sha256, signature) VALUES ($1, $2, $3, $4)
       ON CONFLICT (model, version, artifact_sha256) DO UPDATE SET signature = excluded.signature RETURNING id, signature`,
      [model, version, artifactSha256, JSON.stringify(signature)],
    );
    this.remember({ model, version, artifactSha256 }, rows[0] as EntryRow);
  }

  private remember(name: VersionName, { id, signature }: EntryRow): KnownVersion {
    const known = this.byName.get(keyOf(name));
    // What was read before its deployment came, and is told after, would hide the signature for as long as the process lives.
    if (signature === null && known?.signature !== undefined) return known;
    const entry: KnownVersion = { id, model: name.model, artifactSha256: name.artifactSha256, signature: signature ?? undefined };
    this.byName.set(keyOf(name), entry);
    this.byId.set(id, entry);
    return entry;
  }

  private query(sql: string, parameters: unknown[]): Promise<object[]> {
    return inTransaction(this.dataSource, (manager) => manager.query<object[]>(sql, parameters));
  }
}

interface EntryRow {
  readonly id: number;
  readonly signature: ModelSignature | null;
}
