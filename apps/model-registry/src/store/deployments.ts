import { ContractError, encodeEvent, type ModelDeployment, type ServedVersion } from '@throughline/contracts';
import { inTransaction, Outbox, query } from '@throughline/db';
import { counter, METRICS } from '@throughline/telemetry';
import { LessThanOrEqual, type DataSource, type EntityManager } from 'typeorm';
import { decideAlias, type AliasMove } from '../domain/alias.js';
import { championBefore } from '../domain/champion-before.js';
import { decideDeployment, noDeployment, toEvent, versionsOf, withChampion, type Assignment, type Deployment } from '../domain/deployment.js';
import { checkFallbacks, fallbacksFit, versionsOfFallbacks, wantsPreviousChampion } from '../domain/fallbacks.js';
import { CHAMPION, unknownModel, unknownVersion } from '../domain/names.js';
import { declaredParts } from '../policy/in-force.js';
import { refuseDuringRollout } from '../rollouts/store/active.js';
import { writeAudit, type Attribution } from './audit.js';
import { requireServable, requireUnarchived } from './servable.js';
import { AliasChangeRow, AliasRow, DeploymentRow, ModelRow, VersionRow } from './entities.js';
import { lockModel, servedVersions } from './versions.js';

const conflicts = counter(METRICS.deploymentConflicts);

const TOPIC = 'model.deployment.v1';
const EVENT_SOURCE = '/throughline/model-registry';

export interface DeployOptions {
  readonly wanted: Assignment;
  /** Whether somebody who wants no champion has said so. */
  readonly saysChampion: boolean;
  /** What the writer has seen; absent: whatever is there. */
  readonly expectedRevision: number | undefined;
  /** Makes the request topics that the deployment names for the first time; nothing is deployed unless it succeeds. */
  readonly makeTopics: (topics: readonly string[]) => Promise<void>;
}

/**
 * What serves, and the aliases. The deployment is the one truth: the alias `champion` and a direct write are two ways to the same
 * next revision, and each takes revision, alias, history, audit and the outgoing event together or not at all.
 */
export class DeploymentStore {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws ContractError `conflict`, `not_found`, `unknown_version` */
  moveAlias(model: string, move: AliasMove, by: Attribution, at: Date): Promise<AliasRow | undefined> {
    return this.decide(async (manager) => {
      await lockModel(manager, model);
      const current = await findAlias(manager, model, move.alias);
      if (decideAlias(current?.version ?? null, move) === 'unchanged') return current;
      if (move.alias === CHAMPION) await refuseDuringRollout(manager, model);
      await changeAlias(manager, model, move.alias, current?.version ?? null, move.version, by, at);
      if (move.alias === CHAMPION) {
        const deployment = await currentDeployment(manager, model);
        const wanted = await declared(manager, model, withChampion(deployment.assignment, move.version ?? undefined));
        await this.change(manager, deployment, decideDeployment(deployment, wanted), by, at);
      }
      return findAlias(manager, model, move.alias);
    });
  }

  /** The deployment in force, within a transaction that holds the model's lock. */
  inForce(manager: EntityManager, model: string): Promise<Deployment> {
    return currentDeployment(manager, model);
  }

  /**
   * Writes the next revision within a transaction that holds the model's lock: for a rollout, whose own state changes with it. The alias of the
   * champion follows.
   *
   * @returns the revision in force then
   * @throws ContractError as `deploy`
   */
  async assign(manager: EntityManager, current: Deployment, wanted: Assignment, by: Attribution, at: Date): Promise<number> {
    const next = decideDeployment(current, wanted);
    await followChampion(manager, current.model, wanted.champion, by, at);
    await this.change(manager, current, next, by, at);
    return next.revision;
  }

  /**
   * Makes the deployment say what the model's policy says, within a transaction that holds the model's lock; nothing where nothing is deployed.
   *
   * @throws ContractError `rollout_running`
   */
  async redeclare(manager: EntityManager, model: string, by: Attribution, at: Date): Promise<void> {
    const current = await currentDeployment(manager, model);
    if (current.revision === 0) return;
    const next = decideDeployment(current, await declared(manager, model, current.assignment));
    if (next !== current) await refuseDuringRollout(manager, model);
    await this.change(manager, current, next, by, at);
  }

  /** The champion before that of a deployment, in force or not. */
  previousChampion(manager: EntityManager, deployment: Deployment): Promise<number | undefined> {
    return previousChampion(manager, deployment);
  }

  /**
   * The fallbacks for a champion that comes back: those in force or, where they do not answer like it, those that it had last.
   *
   * @throws ContractError `unknown_version`
   */
  async fallbacksFor(manager: EntityManager, { model, assignment: { fallbacks } }: Deployment, champion: number): Promise<Assignment['fallbacks']> {
    if (fallbacks === undefined) return undefined;
    const served = await servedVersions(manager, model, [champion, ...versionsOfFallbacks(fallbacks)]);
    if (fallbacksFit(fallbacks, served(champion), served)) return fallbacks;
    const rows = await manager.query<{ fallbacks: Assignment['fallbacks'] | null }[]>(
      "SELECT assignment->'fallbacks' AS fallbacks FROM deployments WHERE model = $1 AND (assignment->>'champion')::integer = $2 ORDER BY revision DESC LIMIT 1", [model, champion]);
    return rows[0]?.fallbacks ?? undefined;
  }

  /** What an alias was at an instant; `undefined` when it was not set then. @throws ContractError `not_found` */
  async aliasAt(model: string, alias: string, at: Date): Promise<AliasChangeRow | undefined> {
    await existing(this.dataSource.manager, model);
    const row = await this.dataSource.manager.findOne(AliasChangeRow, { where: { model, alias, changedAt: LessThanOrEqual(at) }, order: { id: 'DESC' } });
    return row === null || row.toVersion === null ? undefined : row;
  }

  /** @throws ContractError `conflict`, `not_found`, `unknown_version`, `invalid_request` */
  deploy(model: string, { wanted, saysChampion, expectedRevision, makeTopics }: DeployOptions, by: Attribution, at: Date): Promise<ModelDeployment> {
    return this.decide(async (manager) => {
      await lockModel(manager, model);
      await refuseDuringRollout(manager, model);
      const current = await currentDeployment(manager, model);
      if (!saysChampion && current.assignment.champion !== undefined) {
        throw new ContractError('invalid_request', `champion is missing, and version ${current.assignment.champion} serves`, { cure: 'A deployment is written whole: say which version is the champion, or null if nothing is to serve.' });
      }
      const next = decideDeployment(current, await declared(manager, model, wanted), expectedRevision);
      await followChampion(manager, model, wanted.champion, by, at);
      await this.change(manager, current, next, by, at);
      const known = current.assignment.requestTopics ?? [];
      await makeTopics((wanted.requestTopics ?? []).filter((topic) => !known.includes(topic)));
      return readDeployment(manager, model);
    });
  }

  /** The deployment in force. @throws ContractError `not_found` */
  current(model: string): Promise<ModelDeployment> {
    return readDeployment(this.dataSource.manager, model);
  }

  /** Newest first. @throws ContractError `not_found` */
  async history(model: string): Promise<DeploymentRow[]> {
    await existing(this.dataSource.manager, model);
    return this.dataSource.manager.find(DeploymentRow, { where: { model }, order: { revision: 'DESC' } });
  }

  async alias(model: string, alias: string): Promise<AliasRow | undefined> {
    await existing(this.dataSource.manager, model);
    return findAlias(this.dataSource.manager, model, alias);
  }

  async aliases(model: string): Promise<AliasRow[]> {
    await existing(this.dataSource.manager, model);
    return this.dataSource.manager.find(AliasRow, { where: { model }, order: { alias: 'ASC' } });
  }

  /** Newest first. */
  async aliasHistory(model: string, alias: string): Promise<AliasChangeRow[]> {
    await existing(this.dataSource.manager, model);
    return this.dataSource.manager.find(AliasChangeRow, { where: { model, alias }, order: { id: 'DESC' } });
  }

  /** The revision in force of each model whose deployments have all left the outbox: the topic has it, unless the topic was lost. */
  async settledRevisions(): Promise<Map<string, number>> {
    const rows = await query<{ model: string; revision: number }>(this.dataSource, `
      SELECT model, max(revision) AS revision FROM deployments WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE topic = $1 AND key = convert_to(model, 'UTF8'))
      GROUP BY model ORDER BY model`, [TOPIC]);
    return new Map(rows.map(({ model, revision }) => [model, revision]));
  }

  /** Publishes the deployments in force of these models again, as after the loss of the topic. */
  async republish(models: readonly string[]): Promise<void> {
    for (const model of models) {
      await inTransaction(this.dataSource, async (manager) => {
        await lockModel(manager, model);
        await publish(manager, await readDeployment(manager, model));
      });
    }
  }

  private async decide<R>(work: (manager: EntityManager) => Promise<R>): Promise<R> {
    try {
      return await inTransaction(this.dataSource, work);
    } catch (error) {
      if (error instanceof ContractError && error.code === 'conflict') conflicts.add(1);
      throw error;
    }
  }

  private async change(manager: EntityManager, current: Deployment, next: Deployment, by: Attribution, at: Date): Promise<void> {
    if (next === current) return;
    const { model, revision, assignment } = next;
    const { served, previous } = await namedVersions(manager, next);
    await requireServable(manager, model, [...versionsOf(assignment), ...(previous === undefined ? [] : [previous])], by, at);
    checkFallbacks(assignment.fallbacks ?? [], assignment.champion === undefined ? undefined : served(assignment.champion), served);
    await manager.insert(DeploymentRow, { model, revision, assignment, author: by.author, reason: by.reason ?? null, decidedAt: at } as object);
    await writeAudit(manager, { at, actor: by.author, action: 'deployment.changed', model, detail: { revision, assignment, reason: by.reason } });
    await publish(manager, toEvent(next, served, at, previous));
  }
}

const declared = async (manager: EntityManager, model: string, wanted: Assignment): Promise<Assignment> => ({ ...wanted, ...(await declaredParts(manager, model)) });

async function publish(manager: EntityManager, event: ModelDeployment): Promise<void> {
  const envelope = { id: `${event.model}/${event.revision}`, source: EVENT_SOURCE, timeMs: Date.parse(event.updatedAt) };
  await Outbox.enqueue(manager, [{ topic: TOPIC, key: event.model, ...encodeEvent(TOPIC, { ...envelope, data: event }) }]);
}

const findAlias = async (manager: EntityManager, model: string, alias: string): Promise<AliasRow | undefined> => (await manager.findOneBy(AliasRow, { model, alias })) ?? undefined;

/** The alias says what the deployment says. */
async function followChampion(manager: EntityManager, model: string, champion: number | undefined, by: Attribution, at: Date): Promise<void> {
  const alias = await findAlias(manager, model, CHAMPION);
  if ((alias?.version ?? null) !== (champion ?? null)) await changeAlias(manager, model, CHAMPION, alias?.version ?? null, champion ?? null, by, at);
}

async function changeAlias(manager: EntityManager, model: string, alias: string, fromVersion: number | null, toVersion: number | null, by: Attribution, at: Date): Promise<void> {
  const change = { author: by.author, reason: by.reason ?? null, changedAt: at };
  if (toVersion === null) await manager.delete(AliasRow, { model, alias });
  else {
    if (!(await manager.existsBy(VersionRow, { model, version: toVersion }))) throw unknownVersion(model, toVersion);
    await requireUnarchived(manager, model, toVersion);
    await manager.upsert(AliasRow, { model, alias, version: toVersion, ...change }, ['model', 'alias']);
  }
  await manager.insert(AliasChangeRow, { model, alias, fromVersion, toVersion, ...change });
  await writeAudit(manager, { at, actor: by.author, action: toVersion === null ? 'alias.removed' : 'alias.moved', model, detail: { alias, from: fromVersion, to: toVersion, reason: by.reason } });
}

async function currentDeployment(manager: EntityManager, model: string): Promise<Deployment> {
  const row = await lastRevision(manager, model);
  return row === null ? noDeployment(model) : { model, revision: row.revision, assignment: row.assignment };
}

async function readDeployment(manager: EntityManager, model: string): Promise<ModelDeployment> {
  await existing(manager, model);
  const row = await lastRevision(manager, model);
  if (row === null) throw new ContractError('not_found', `nothing of model “${model}” is deployed yet`, { cure: 'Set its alias “champion”.' });
  const deployment = { model, revision: row.revision, assignment: row.assignment };
  const { served, previous } = await namedVersions(manager, deployment);
  return toEvent(deployment, served, row.decidedAt, previous);
}

/** The versions that an event of the deployment speaks of. @throws ContractError `unknown_version` */
async function namedVersions(manager: EntityManager, deployment: Deployment): Promise<{ served: (version: number) => ServedVersion; previous: number | undefined }> {
  const { model, assignment } = deployment;
  const previous = wantsPreviousChampion(assignment.fallbacks ?? []) ? await previousChampion(manager, deployment) : undefined;
  const versions = new Set([...versionsOf(assignment), ...(previous === undefined ? [] : [previous])]);
  return { served: await servedVersions(manager, model, [...versions]), previous };
}

/**
 * The champion before the present one; history is never rewritten, so that a revision has always the same. A rollout's candidate is none before
 * it is promoted.
 */
async function previousChampion(manager: EntityManager, { model, revision, assignment: { champion } }: Deployment): Promise<number | undefined> {
  const ways = await manager.query<{ revision: number }[]>("SELECT (detail->>'revision')::integer AS revision FROM audit WHERE model = $1 AND action = 'champion.rolled_back'", [model]);
  const waysBack = new Set(ways.map((way) => way.revision));
  const rows = await manager.query<{ revision: number; champion: number | null }[]>(`
    SELECT revision, (assignment->>'champion')::integer AS champion FROM deployments WHERE model = $1 AND revision < $2 AND assignment->'rollout' IS NULL ORDER BY revision`, [model, revision]);
  const before = rows.map((row) => ({ champion: row.champion ?? undefined, isWayBack: waysBack.has(row.revision) }));
  return championBefore([...before, { champion, isWayBack: waysBack.has(revision) }]);
}

const lastRevision = (manager: EntityManager, model: string): Promise<DeploymentRow | null> => manager.findOne(DeploymentRow, { where: { model }, order: { revision: 'DESC' } });

async function existing(manager: EntityManager, model: string): Promise<void> {
  if (!(await manager.existsBy(ModelRow, { name: model }))) throw unknownModel(model);
}
