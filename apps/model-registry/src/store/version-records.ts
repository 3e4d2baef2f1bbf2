import { ContractError } from '@throughline/contracts';
import { inTransaction } from '@throughline/db';
import type { DataSource, EntityManager } from 'typeorm';
import { versionsOf, type Assignment } from '../domain/deployment.js';
import { wantsPreviousChampion } from '../domain/fallbacks.js';
import { rolesOf } from '../domain/roles.js';
import { writeAudit, type Attribution } from './audit.js';
import type { DeploymentStore } from './deployments.js';
import { recordOverride } from './servable.js';
import { lockModel, type VersionStore } from './versions.js';

export interface OverrideRecord {
  readonly author: string;
  readonly reason: string;
  readonly at: Date;
}

/** What was decided about a version after it was registered. */
export interface VersionRecord {
  /** Oldest first. */
  readonly overrides: readonly OverrideRecord[];
  readonly archivedAt?: Date | undefined;
}

export const NO_RECORD: VersionRecord = { overrides: [] };

const RECORDS_SQL = `
  SELECT v.version,
    coalesce((SELECT jsonb_agg(jsonb_build_object('author', author, 'reason', reason, 'at', at) ORDER BY id) FROM version_overrides o WHERE o.model = v.model AND o.version = v.version), '[]') AS overrides,
    (SELECT CASE WHEN archived THEN at END FROM version_archives a WHERE a.model = v.model AND a.version = v.version ORDER BY id DESC LIMIT 1) AS "archivedAt"
  FROM versions v WHERE v.model = $1 AND ($2::integer IS NULL OR v.version = $2)`;

type RecordRow = { readonly version: number; readonly overrides: { author: string; reason: string; at: string }[]; readonly archivedAt: Date | null };

/** Overrides and archiving: versions never change, so that what is decided about them stands beside them, append-only. */
export class VersionRecords {
  constructor(private readonly dataSource: DataSource, private readonly versions: VersionStore, private readonly deployments: DeploymentStore) {}

  /** By version: of all versions of the model, or of one. */
  async of(model: string, version?: number, manager: EntityManager = this.dataSource.manager): Promise<ReadonlyMap<number, VersionRecord>> {
    const rows = await manager.query<RecordRow[]>(RECORDS_SQL, [model, version ?? null]);
    return new Map(rows.map((row) => [row.version, { overrides: row.overrides.map((one) => ({ ...one, at: new Date(one.at) })), ...(row.archivedAt === null ? {} : { archivedAt: row.archivedAt }) }]));
  }

  /** Somebody answers for a version that does not say what made it. @throws ContractError `not_found`, `unknown_version` */
  override(model: string, version: number, by: { author: string; reason: string }, at: Date): Promise<void> {
    return this.decide(model, version, (manager) => recordOverride(manager, model, version, by, at));
  }

  /**
   * Takes a version out of sight and out of reach of deployments; its bytes and its history stay. Twice is once.
   *
   * @throws ContractError `in_use` that names where, `not_found`, `unknown_version`
   */
  archive(model: string, version: number, by: Attribution, at: Date): Promise<void> {
    return this.decide(model, version, async (manager, { archivedAt }) => {
      if (archivedAt !== undefined) return;
      const places = await this.placesOf(manager, model, version);
      if (places.length > 0) throw new ContractError('in_use', `version ${version} of “${model}” is ${places.join(', ')}`, { cure: 'Take it out of there first: move the alias, write the deployment without it, or wait for the end of the rollout.' });
      await mark(manager, model, version, true, by, at);
    });
  }

  /** Brings an archived version back. Twice is once. @throws ContractError `not_found`, `unknown_version` */
  restore(model: string, version: number, by: Attribution, at: Date): Promise<void> {
    return this.decide(model, version, async (manager, { archivedAt }) => {
      if (archivedAt !== undefined) await mark(manager, model, version, false, by, at);
    });
  }

  private decide(model: string, version: number, work: (manager: EntityManager, record: VersionRecord) => Promise<void>): Promise<void> {
    return inTransaction(this.dataSource, async (manager) => {
      await lockModel(manager, model);
      await this.versions.get(model, version, manager);
      await work(manager, (await this.of(model, version, manager)).get(version) ?? NO_RECORD);
    });
  }

  /** Where a version is in use, in words. */
  private async placesOf(manager: EntityManager, model: string, version: number): Promise<string[]> {
    const current = await this.deployments.inForce(manager, model);
    const roles = rolesOf(current.assignment, version);
    const isPrevious = (current.assignment.fallbacks ?? []).some((choice) => choice.kind === 'previous_version') && (await this.deployments.previousChampion(manager, current)) === version;
    const aliases = await manager.query<{ alias: string }[]>('SELECT alias FROM aliases WHERE model = $1 AND version = $2 ORDER BY alias', [model, version]);
    const rollouts = await manager.query<{ id: string; champion: number; candidate: number; base: Assignment }[]>('SELECT id, champion, candidate, base FROM rollouts WHERE model = $1 AND ended_at IS NULL', [model]);
    const inRollouts: string[] = [];
    for (const { id, champion, candidate, base } of rollouts) {
      // What it goes back to is in use as well: otherwise there would be no way back.
      const before = wantsPreviousChampion(base.fallbacks ?? []) ? await this.deployments.previousChampion(manager, { ...current, revision: current.revision + 1, assignment: base }) : undefined;
      if ([champion, candidate, before, ...versionsOf(base)].includes(version)) inRollouts.push(`in rollout ${id}`);
    }
    return [
      ...roles.map((role) => `${role} in the deployment`),
      ...(isPrevious && !roles.includes('fallback') ? ['fallback in the deployment'] : []),
      ...aliases.map(({ alias }) => `the alias “${alias}”`),
      ...inRollouts,
    ];
  }
}

async function mark(manager: EntityManager, model: string, version: number, archived: boolean, { author, reason }: Attribution, at: Date): Promise<void> {
  await manager.query('INSERT INTO version_archives (model, version, archived, author, reason, at) VALUES ($1, $2, $3, $4, $5, $6)', [model, version, archived, author, reason ?? null, at]);
  await writeAudit(manager, { at, actor: author, action: archived ? 'version.archived' : 'version.restored', model, detail: { version: String(version), reason } });
}
