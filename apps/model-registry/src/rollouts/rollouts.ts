import { ContractError, encodeEvent, type ModelSignature, type RolloutRequest } from '@throughline/contracts';
import { inTransaction, Outbox } from '@throughline/db';
import { counter, METRICS } from '@throughline/telemetry';
import type { DataSource, EntityManager } from 'typeorm';
import { v5 as uuidv5 } from 'uuid';
import { decideAlias } from '../domain/alias.js';
import type { Assignment } from '../domain/deployment.js';
import { checkFallbacks, versionsOfFallbacks } from '../domain/fallbacks.js';
import { CHAMPION } from '../domain/names.js';
import { writeAudit, type Attribution } from '../store/audit.js';
import type { DeploymentStore } from '../store/deployments.js';
import { lockModel, servedVersions } from '../store/versions.js';
import { rollbackAlert } from './domain/alert.js';
import { assignmentOfStep, promotedAssignment, restoredAssignment } from './domain/assignments.js';
import type { Evidence } from './domain/evidence.js';
import { specOf, type Declared } from './domain/request.js';
import { isActive, type Decision, type Status } from './domain/rollout.js';
import { signatureChanges } from './domain/signature-changes.js';
import type { RolloutSpec } from './domain/spec.js';
import type { Verdict } from './domain/verdict.js';
import { refuseDuringRollout } from './store/active.js';
import type { RolloutStore, StoredRollout } from './store/rollouts.js';

export interface RolloutsOptions {
  readonly dataSource: DataSource;
  readonly deployments: DeploymentStore;
  readonly store: RolloutStore;
  readonly newId: () => string;
  /** What the model declares of itself, read in the transaction that starts the rollout. */
  readonly declaredOf: (manager: EntityManager, model: string) => Promise<Declared>;
}

/** What a decision was made from. */
export interface Grounds {
  readonly verdicts?: readonly Verdict[] | undefined;
  readonly evidence?: Evidence | undefined;
  readonly samples?: number | undefined;
}

const ALERT_SOURCE = '/throughline/model-registry';
const ALERT_NAMESPACE = '0f4c6a52-7d0e-4d5b-9b43-6a5d1e3d2c11';
const RUNNER: Attribution = { author: 'rollout' };

const ended = counter(METRICS.rolloutsEnded);

/**
 * Everything that happens to a rollout. Its state, the deployment's next revision, the alias, history, audit and outgoing events change in one
 * transaction under the model's lock: whoever is killed at whatever moment, a rollout is before or after a step and never between, and of
 * several registries that decide the same one does it.
 */
export class Rollouts {
  constructor(private readonly use: RolloutsOptions) {}

  /**
   * @param expected champion that the writer has seen, null for none; absent: whatever is there
   * @throws ContractError `rollout_running`, `unknown_version`, `signature_differs`, `conflict`, `invalid_request`
   */
  start(model: string, request: RolloutRequest, by: Attribution, at: Date, expected?: number | null): Promise<StoredRollout> {
    return this.locked(model, async (manager) => {
      await refuseDuringRollout(manager, model);
      const { assignment: base } = await this.use.deployments.inForce(manager, model);
      if (expected !== undefined) decideAlias(base.champion ?? null, { alias: CHAMPION, version: Number(request.candidate), expected });
      const spec = specOf(request, await this.use.declaredOf(manager, model));
      const champion = await this.checkStart(manager, model, base, spec);
      const rollout: StoredRollout = {
        id: this.use.newId(), model, champion, spec, base: { ...base, rollout: undefined }, status: 'warming', step: 0, stepStartedAtMs: at.getTime(), startedAtMs: at.getTime(),
        breaches: 0, judgedSamples: 0, judgedAtMs: undefined, author: by.author, reason: by.reason, endedAtMs: undefined, conclusion: undefined,
      };
      await this.use.store.insert(manager, rollout);
      await this.enter(manager, rollout, 'started', by, at);
      return rollout;
    });
  }

  /** Carries out what was decided of the state that was seen; nothing when the rollout has moved on since. */
  async carryOut(seen: StoredRollout, decision: Decision, grounds: Grounds, at: Date): Promise<void> {
    if (decision.kind === 'none') return;
    await this.locked(seen.model, async (manager) => {
      const rollout = await this.use.store.find(seen.model, seen.id, manager);
      if (rollout === undefined || !isSame(rollout, seen)) return;
      const judged = grounds.verdicts === undefined ? rollout : { ...rollout, judgedAtMs: at.getTime(), judgedSamples: grounds.samples ?? rollout.judgedSamples };
      switch (decision.kind) {
        case 'judged':
          if (decision.breaches > rollout.breaches) await this.note(manager, rollout, { kind: 'breach', by: RUNNER, at, reason: reasonOf(grounds.verdicts), verdicts: grounds.verdicts });
          return this.use.store.update(manager, { ...judged, breaches: decision.breaches });
        case 'advance':
          return this.enter(manager, { ...judged, status: 'running', step: decision.step, stepStartedAtMs: at.getTime(), breaches: 0 }, 'advanced', { ...RUNNER, reason: decision.reason }, at);
        case 'promote':
          return this.end(manager, judged, 'promoted', { ...RUNNER, reason: decision.reason }, at, grounds);
        case 'finish':
          return this.end(manager, judged, 'finished', { ...RUNNER, reason: decision.reason }, at, grounds);
        case 'roll_back':
          await this.raise(manager, rollout, decision, at);
          return this.end(manager, judged, 'rolled_back', { ...RUNNER, reason: decision.reason }, at, grounds);
      }
    });
  }

  /** Stops the steps where they are; guards go on. @throws ContractError `not_found`, `conflict` */
  pause(model: string, id: string, by: Attribution, at: Date): Promise<StoredRollout> {
    return this.byHand(model, id, async (manager, rollout) => {
      if (rollout.status === 'warming') throw new ContractError('conflict', 'the rollout is warming its candidate: nothing has traffic yet', { cure: 'Wait until it runs, or abort it.' });
      return this.setStatus(manager, rollout, 'paused', by, at);
    });
  }

  /** @throws ContractError `not_found`, `conflict` */
  resume(model: string, id: string, by: Attribution, at: Date): Promise<StoredRollout> {
    return this.byHand(model, id, (manager, rollout) => this.setStatus(manager, rollout, rollout.status === 'paused' ? 'running' : rollout.status, by, at));
  }

  /** Takes the candidate out: what served before serves again. @throws ContractError `not_found`, `conflict` */
  abort(model: string, id: string, by: Attribution, at: Date): Promise<StoredRollout> {
    return this.byHand(model, id, (manager, rollout) => this.end(manager, rollout, 'aborted', by, at, {}));
  }

  /** Makes the candidate the champion now, whatever steps and guards say; on record as an override. @throws ContractError `not_found`, `conflict` */
  promote(model: string, id: string, by: Attribution, at: Date): Promise<StoredRollout> {
    return this.byHand(model, id, async (manager, rollout) => {
      await writeAudit(manager, { at, actor: by.author, action: 'rollout.override', model, detail: { rollout: id, step: rollout.step, version: String(rollout.spec.candidate), reason: by.reason } });
      return this.end(manager, rollout, 'promoted', by, at, {});
    });
  }

  /**
   * The way back, at once: the running rollout is taken back, or else the champion before the present one serves again.
   *
   * @returns the version that serves then
   * @throws ContractError `conflict` when nothing served before
   */
  rollBack(model: string, by: Attribution, at: Date): Promise<{ champion: number; rollout: string | undefined }> {
    return this.locked(model, async (manager) => {
      const running = await this.use.store.active(model, manager);
      if (running !== undefined) {
        await this.end(manager, running, 'aborted', by, at, {});
        return { champion: running.champion, rollout: running.id };
      }
      const current = await this.use.deployments.inForce(manager, model);
      const previous = await this.use.deployments.previousChampion(manager, current);
      if (previous === undefined) throw new ContractError('conflict', `nothing served “${model}” before`, { cure: 'Set the alias “champion” to the version that is to serve.' });
      // First: the event says what stands in for the champion, and what is left behind does not.
      await writeAudit(manager, { at, actor: by.author, action: 'champion.rolled_back', model, detail: { revision: current.revision + 1, from: current.assignment.champion, to: previous, reason: by.reason } });
      const fallbacks = await this.use.deployments.fallbacksFor(manager, current, previous);
      await this.use.deployments.assign(manager, current, { ...withoutRollout(current.assignment), ...rolesAfterRollback(current.assignment, previous), fallbacks }, by, at);
      return { champion: previous, rollout: undefined };
    });
  }

  private async checkStart(manager: EntityManager, model: string, base: Assignment, spec: RolloutSpec): Promise<number> {
    const { champion, fallbacks = [] } = base;
    const { candidate, allowSignatureChange } = spec;
    if (champion === undefined) throw new ContractError('conflict', `“${model}” has no champion to hold version ${candidate} against`, { cure: 'The first version needs no rollout: set the alias “champion”.' });
    if (champion === candidate) throw new ContractError('invalid_request', `version ${candidate} is the champion already`, { cure: 'Name another version as the candidate.' });
    if (base.challengers.length > 0) throw new ContractError('conflict', 'challengers that were deployed by hand have a part of the traffic', { cure: 'Take them out of the deployment first.' });
    const served = await servedVersions(manager, model, [champion, candidate, ...versionsOfFallbacks(fallbacks)]);
    const changes = signatureChanges(served(champion).signature, served(candidate).signature);
    if (changes.length > 0 && !allowSignatureChange) throw new ContractError('signature_differs', `against champion ${champion}, version ${candidate} differs: ${changes.join('; ')}`);
    // Found out at the promotion it would keep the rollout from ever ending.
    if (spec.atEnd !== 'report' || spec.strategy === 'blue_green') checkFallbacks(fallbacks, served(candidate), served);
    for (const version of [champion, candidate]) checkGuardsCanSee(spec, version, served(version).signature);
    return champion;
  }

  /** Takes the deployment to the rollout's step. */
  private async enter(manager: EntityManager, rollout: StoredRollout, kind: string, by: Attribution, at: Date): Promise<void> {
    const revision = await this.assign(manager, rollout, assignmentOfStep(rollout, rollout.step), by, at);
    await this.use.store.update(manager, rollout);
    await this.use.store.addStep(manager, rollout, revision);
    await this.use.store.addEvent(manager, rollout, { at, actor: by.author, kind, revision, reason: by.reason });
    await writeAudit(manager, { at, actor: by.author, action: `rollout.${kind}`, model: rollout.model, detail: { rollout: rollout.id, strategy: rollout.spec.strategy, candidate: String(rollout.spec.candidate), step: rollout.step, reason: by.reason } });
  }

  private async end(manager: EntityManager, rollout: StoredRollout, status: Extract<Status, 'promoted' | 'finished' | 'rolled_back' | 'aborted'>, by: Attribution, at: Date, { verdicts, evidence }: Grounds): Promise<StoredRollout> {
    const wanted = status === 'promoted' ? promotedAssignment(rollout) : restoredAssignment(rollout);
    const revision = await this.assign(manager, rollout, wanted, by, at);
    const over: StoredRollout = { ...rollout, status, endedAtMs: at.getTime(), conclusion: by.reason };
    await this.use.store.update(manager, over);
    await this.use.store.addEvent(manager, over, { at, actor: by.author, kind: status, revision, reason: by.reason, verdicts, evidence });
    await writeAudit(manager, { at, actor: by.author, action: `rollout.${status}`, model: rollout.model, detail: { rollout: rollout.id, candidate: String(rollout.spec.candidate), step: rollout.step, reason: by.reason } });
    ended.add(1, { model: rollout.model, strategy: rollout.spec.strategy, result: status });
    return over;
  }

  private async assign(manager: EntityManager, { model }: StoredRollout, wanted: Assignment, by: Attribution, at: Date): Promise<number> {
    return this.use.deployments.assign(manager, await this.use.deployments.inForce(manager, model), wanted, by, at);
  }

  private async setStatus(manager: EntityManager, rollout: StoredRollout, status: Status, by: Attribution, at: Date): Promise<StoredRollout> {
    if (rollout.status === status) return rollout;
    const next = { ...rollout, status };
    await this.use.store.update(manager, next);
    await this.note(manager, next, { kind: status === 'paused' ? 'paused' : 'resumed', by, at, reason: by.reason });
    return next;
  }

  /** An event that changes nothing of what serves. */
  private async note(manager: EntityManager, rollout: StoredRollout, { kind, by, at, reason, verdicts }: { kind: string; by: Attribution; at: Date; reason: string | undefined; verdicts?: readonly Verdict[] | undefined }): Promise<void> {
    const { revision } = await this.use.deployments.inForce(manager, rollout.model);
    await this.use.store.addEvent(manager, rollout, { at, actor: by.author, kind, revision, reason, verdicts });
  }

  private async raise(manager: EntityManager, rollout: StoredRollout, decision: Extract<Decision, { kind: 'roll_back' }>, at: Date): Promise<void> {
    const alert = rollbackAlert(rollout, decision, at.getTime(), (identity) => uuidv5(identity, ALERT_NAMESPACE));
    const encoded = encodeEvent('alert.raised.v1', { id: alert.alertId, source: ALERT_SOURCE, timeMs: at.getTime(), data: alert });
    await Outbox.enqueue(manager, [{ topic: 'alert.raised.v1', key: rollout.model, ...encoded }]);
  }

  private byHand(model: string, id: string, change: (manager: EntityManager, rollout: StoredRollout) => Promise<StoredRollout>): Promise<StoredRollout> {
    return this.locked(model, async (manager) => {
      const rollout = await this.use.store.find(model, id, manager);
      if (rollout === undefined) throw new ContractError('not_found', `“${model}” has no rollout ${id}`);
      if (!isActive(rollout)) throw new ContractError('conflict', `the rollout is over: ${rollout.status.replace('_', ' ')}`, { cure: 'Start another one.' });
      return change(manager, rollout);
    });
  }

  private locked<R>(model: string, work: (manager: EntityManager) => Promise<R>): Promise<R> {
    return inTransaction(this.use.dataSource, async (manager) => {
      await lockModel(manager, model);
      return work(manager);
    });
  }
}

/** A guard without anything to go by would watch in vain. @throws ContractError `invalid_request` */
function checkGuardsCanSee({ guards }: RolloutSpec, version: number, { score }: ModelSignature): void {
  const decides = guards.find((guard) => guard.kind === 'business_value' || (guard.kind === 'quality' && guard.loss === 'wrong'));
  if (decides === undefined || score?.threshold !== undefined) return;
  throw new ContractError('invalid_request', `the guard ${decides.kind} judges decisions, and version ${version} makes none: its score has no threshold`, {
    cure: 'Upload it with score.threshold, or watch the quality of its scores: "loss": "squared_error".',
  });
}

/** Whether nothing has happened between seeing and doing. */
const isSame = (now: StoredRollout, seen: StoredRollout): boolean =>
  now.status === seen.status && now.step === seen.step && now.breaches === seen.breaches && now.judgedSamples === seen.judgedSamples;

const reasonOf = (verdicts: readonly Verdict[] = []): string => verdicts.filter(({ state }) => state === 'breached').map(({ says }) => says).join(' ');

const withoutRollout = ({ rollout: _, ...assignment }: Assignment): Assignment => assignment;

const rolesAfterRollback = ({ challengers, shadows, standbys }: Assignment, champion: number): Pick<Assignment, 'champion' | 'challengers' | 'shadows' | 'standbys'> => ({
  champion,
  challengers: challengers.filter(({ version }) => version !== champion),
  shadows: shadows.filter((version) => version !== champion),
  standbys: standbys?.filter((version) => version !== champion),
});
