import { ContractError, type RolloutPlan, type RolloutRequest } from '@throughline/contracts';
import type { AliasMove } from '../domain/alias.js';
import { canonical } from '../domain/canonical.js';
import type { Assignment } from '../domain/deployment.js';
import { CHAMPION } from '../domain/names.js';
import type { PolicyStore } from '../policy/store.js';
import type { Attribution } from '../store/audit.js';
import type { DeploymentStore } from '../store/deployments.js';
import type { Rollouts } from './rollouts.js';
import type { StoredRollout } from './store/rollouts.js';

/** Who asks for a promotion. */
export interface Promoter extends Attribution {
  /** Whether they may decide where the model's policy asks for an approval. */
  readonly mayApprove: boolean;
}

/** What became of it: the version serves, or a rollout has begun to bring it in. */
export type Promotion = { readonly kind: 'serves' } | { readonly kind: 'rollout'; readonly rollout: StoredRollout };

/**
 * The one door through which a version becomes champion, whoever moves the alias and in whose words: at once, by a rollout, or by somebody who
 * may approve, as the model's policy says. The first version of all has nothing to be held against, and a rollback asks nobody.
 */
export class Promotions {
  constructor(private readonly use: { readonly deployments: DeploymentStore; readonly rollouts: Rollouts; readonly policies: PolicyStore }) {}

  /**
   * Starts a rollout that somebody asks for. Where the model's policy has its versions brought in by a rollout, it is that one: another plan, without its guards or
   * in greater haste, is for those who may approve. A plan that only asks, and brings nothing in, is anybody's.
   *
   * @throws ContractError `approval_required`, and what a rollout's start throws
   */
  async rollOut(model: string, request: RolloutRequest, by: Promoter, at: Date): Promise<StoredRollout> {
    const { policy } = await this.use.policies.current(model);
    const { mode = 'immediate', rollout = DEFAULT_PLAN } = policy.promotion ?? {};
    if (mode === 'approval' && !by.mayApprove) throw approvalRequired(model, by, 'approved');
    if (mode !== 'rollout' || by.mayApprove || onlyAsks(request)) return this.use.rollouts.start(model, request, by, at);
    const { candidate, author: _author, reason: _reason, approve: _approve, ...plan } = request;
    const differs = Object.entries(plan).find(([field, value]) => canonical(value) !== canonical(rollout[field as keyof RolloutPlan]));
    if (differs !== undefined) throw approvalRequired(model, by, `brought in by its own rollout, which has another “${differs[0]}”`);
    return this.use.rollouts.start(model, { ...rollout, candidate }, by, at);
  }

  /**
   * A direct write of the deployment may go on with what answers now, or with less of its challengers; another champion, none (after which any
   * version serves at once) and a larger share of a challenger come by the policy's way, or by somebody who may approve.
   *
   * @throws ContractError `approval_required`
   */
  async checkDirectWrite(model: string, { champion, challengers }: Pick<Assignment, 'champion' | 'challengers'>, by: Promoter): Promise<void> {
    const { policy } = await this.use.policies.current(model);
    const { mode = 'immediate' } = policy.promotion ?? {};
    if (mode === 'immediate' || by.mayApprove) return;
    const current = await this.championOf(model);
    if (current === null) return;
    const serving = await this.use.deployments.current(model);
    const shareNow = (version: number): number => serving.challengers.find((one) => one.version === String(version))?.share ?? 0;
    if (champion === current && challengers.every(({ version, share }) => share <= shareNow(version))) return;
    throw approvalRequired(model, by, mode === 'rollout' ? 'brought in by a rollout' : 'approved');
  }

  /**
   * @param move of the alias `champion`
   * @throws ContractError `approval_required`, `conflict`, and what a rollout's start or a move of the alias throws
   */
  async promote(model: string, move: AliasMove, by: Promoter, at: Date): Promise<Promotion> {
    const { policy } = await this.use.policies.current(model);
    const { mode = 'immediate', rollout } = policy.promotion ?? {};
    const current = await this.championOf(model);
    if (mode === 'approval' && current !== null && !by.mayApprove) throw approvalRequired(model, by, 'approved');
    if (mode !== 'rollout' || current === null || move.version === null || move.version === current) {
      await this.use.deployments.moveAlias(model, move, by, at);
      return { kind: 'serves' };
    }
    const request: RolloutRequest = { ...(rollout ?? DEFAULT_PLAN), candidate: String(move.version) };
    return { kind: 'rollout', rollout: await this.use.rollouts.start(model, request, by, at, move.expected) };
  }

  private async championOf(model: string): Promise<number | null> {
    return (await this.use.deployments.alias(model, CHAMPION))?.version ?? null;
  }
}

const DEFAULT_PLAN: RolloutPlan = { strategy: 'canary' };

const onlyAsks = ({ strategy, atEnd }: RolloutRequest): boolean => strategy === 'shadow' && (atEnd ?? 'report') === 'report';

const approvalRequired = (model: string, { author }: Promoter, how: string): ContractError =>
  new ContractError('approval_required', `by the policy of “${model}” another version is ${how}, and ${author} may not approve`, {
    cure: 'Let somebody with the role approver do it; where nobody is authenticated, say “approve” and who you are.',
  });
