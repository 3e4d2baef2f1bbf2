import { ContractError, type ModelPolicy, type ModelSignature } from '@throughline/contracts';
import { inTransaction, query } from '@throughline/db';
import { counter, METRICS } from '@throughline/telemetry';
import type { DataSource, EntityManager } from 'typeorm';
import { unknownModel } from '../domain/names.js';
import { writeAudit, type Attribution } from '../store/audit.js';
import type { DeploymentStore } from '../store/deployments.js';
import { ModelRow } from '../store/entities.js';
import { lockModel } from '../store/versions.js';
import { regressionFault } from './domain/outcome.js';
import { decidePolicy, refuseFault, type PolicyInForce } from './domain/policy.js';
import { omissionWarnings, privacyFault, privacyWarnings, type DeclaredNames } from './domain/privacy.js';
import { policyInForce } from './in-force.js';

export interface PolicyRevision extends PolicyInForce {
  readonly author: string | undefined;
  readonly reason: string | undefined;
  /** None before the first was put. */
  readonly decidedAt: Date | undefined;
}

export interface PutOptions {
  readonly policy: ModelPolicy;
  /** What the writer has seen; absent: whatever is there. */
  readonly expectedRevision: number | undefined;
}

interface PolicyRow {
  readonly revision: number;
  readonly policy: ModelPolicy;
  readonly author: string;
  readonly reason: string | null;
  readonly decided_at: Date;
}

const HISTORY_SQL = 'SELECT revision, policy, author, reason, decided_at FROM model_policies WHERE model = $1 ORDER BY revision DESC';
const conflicts = counter(METRICS.deploymentConflicts);

/** What holds for a model whichever versions serve it; every revision is kept. */
export class PolicyStore {
  constructor(
    private readonly dataSource: DataSource,
    private readonly deployments: DeploymentStore,
  ) {}

  /** The policy in force, within the transaction of `manager` if there is one; an empty one at revision 0 where none was put. */
  current(model: string, manager?: EntityManager): Promise<PolicyInForce> {
    return policyInForce(manager ?? this.dataSource, model);
  }

  /** The policy in force and who put it. @throws ContractError `not_found` when there is no such model */
  async read(model: string): Promise<PolicyRevision> {
    return (await this.history(model))[0] ?? { revision: 0, policy: {}, author: undefined, reason: undefined, decidedAt: undefined };
  }

  /**
   * What may be wrong with a policy and cannot be known.
   *
   * @param before the policy that it replaced
   */
  async warnings(model: string, before: ModelPolicy, after: ModelPolicy): Promise<string[]> {
    return [...omissionWarnings(before, after), ...(after.privacy === undefined ? [] : privacyWarnings(after.privacy, await declaredNames(this.dataSource, model)))];
  }

  /** Newest first. @throws ContractError `not_found` when there is no such model */
  async history(model: string): Promise<PolicyRevision[]> {
    if (!(await this.dataSource.manager.existsBy(ModelRow, { name: model }))) throw unknownModel(model);
    return (await query<PolicyRow>(this.dataSource, HISTORY_SQL, [model])).map(({ reason, decided_at: decidedAt, ...row }) => ({ ...row, reason: reason ?? undefined, decidedAt }));
  }

  /**
   * Replaces the policy. What it says of outcomes, monitoring and privacy goes into the deployment in the same transaction, as the deployment's next revision.
   *
   * @throws ContractError `conflict`, `not_found`, `invalid_request` for what the model’s versions cannot be, and `rollout_running` for a change of one of them while a rollout runs, whose the deployment is
   */
  async put(model: string, { policy, expectedRevision }: PutOptions, by: Attribution, at: Date): Promise<PolicyRevision> {
    try {
      await inTransaction(this.dataSource, async (manager) => {
        await lockModel(manager, model);
        const current = await policyInForce(manager, model);
        if (decidePolicy(current, policy, expectedRevision) === 'unchanged') return;
        if (policy.outcome?.whenMissing === 'negative') refuseFault('outcome', regressionFault(policy.outcome, await regressionVersions(manager, model)));
        if (policy.privacy !== undefined) refuseFault('privacy', privacyFault(policy.privacy, await declaredNames(manager, model)));
        const revision = current.revision + 1;
        const row = [model, revision, JSON.stringify(policy), by.author, by.reason ?? null, at];
        await query(manager, 'INSERT INTO model_policies (model, revision, policy, author, reason, decided_at) VALUES ($1, $2, $3, $4, $5, $6)', row);
        await writeAudit(manager, { at, actor: by.author, action: 'policy.changed', model, detail: { revision, policy, reason: by.reason } });
        await this.deployments.redeclare(manager, model, by, at);
      });
    } catch (error) {
      if (error instanceof ContractError && error.code === 'conflict') conflicts.add(1);
      throw error;
    }
    return this.read(model);
  }
}

/** What all versions of the model call things; `undefined` when there is none. */
async function declaredNames(source: Pick<DataSource, 'query'>, model: string): Promise<DeclaredNames | undefined> {
  const rows = await query<{ signature: ModelSignature }>(source, 'SELECT signature FROM versions WHERE model = $1 AND signature IS NOT NULL', [model]);
  if (rows.length === 0) return undefined;
  const features = rows.flatMap(({ signature }) => signature.features ?? []);
  const roles = rows.flatMap(({ signature }) => Object.keys(signature.entities ?? {}));
  return { features: new Set(features.map(({ name }) => name)), roles: new Set([...roles, ...features.flatMap(({ from }) => from?.entityRole ?? [])]) };
}

async function regressionVersions(manager: EntityManager, model: string): Promise<number[]> {
  const rows = await query<{ version: number }>(manager, `SELECT version FROM versions WHERE model = $1 AND signature->>'task' = 'regression' ORDER BY version DESC LIMIT 1`, [model]);
  return rows.map(({ version }) => version);
}
