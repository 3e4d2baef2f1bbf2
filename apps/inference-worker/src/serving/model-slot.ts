import { toContractError, type ContractError, type ModelDeployment, type ServedVersion } from '@throughline/contracts';
import { assignmentOf, carriersOf, versionsOf, type Assignment } from '../domain/assignment.js';
import type { BatchLimits, LoadedModel } from './loaded-model.js';
import { slotReport, type SlotReport } from './slot-report.js';

export interface SlotOptions {
  /** Loads a version and warms it up; throws a ContractError. */
  readonly load: (deployment: ModelDeployment, version: ServedVersion) => Promise<LoadedModel>;
  readonly onFailure: (failure: LoadFailure) => void;
  /** Another revision has been taken over. */
  readonly onSwap: (deployment: ModelDeployment) => void;
  /** `report` may say something else now. */
  readonly onChange: () => void;
  readonly limitsOf: (deployment: ModelDeployment) => BatchLimits;
}

/** A version that could not be loaded, and what goes on without it. */
export interface LoadFailure {
  readonly deployment: ModelDeployment;
  readonly version: ServedVersion;
  readonly error: ContractError;
  readonly retryInMs: number;
  /** The version that answers instead: the champion of before, or that of the same deployment. */
  readonly servedBy: string | undefined;
}

/** So long do requests wait for a model that has never served; longer would hold up the partition they came on. */
const SETTLED_WITHIN_MS = 10_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;

/**
 * One model: what its deployment asks for, and what serves. A new assignment is loaded beside the old one and swapped in by one
 * assignment of `serving`, at once if all that answers requests is warm; while its champion does not load, the old one serves on, and the
 * load is tried again.
 */
export class ModelSlot {
  serving: Assignment<LoadedModel>;
  private desired: ModelDeployment;
  /** Of the assignment before: kept warm until the next swap, because a rollback wants it at once. */
  private spare: LoadedModel[] = [];
  /** Loaded, and not swapped in yet. */
  private fresh: LoadedModel[] = [];
  /** Standbys, kept from eviction though nobody asks them. */
  private held: LoadedModel[] = [];
  /** A load goes on for a newer deployment that wants the same. */
  private readonly loads = new Map<string, Promise<LoadedModel>>();
  /** Why versions of the desired deployment are not warm. */
  private readonly faults = new Map<string, ContractError>();
  private closed = false;
  private change = Promise.withResolvers<void>();
  private readonly waiters = new Set<() => void>();
  private hasSettled = false;
  private readonly patience: NodeJS.Timeout;

  constructor(deployment: ModelDeployment, private readonly options: SlotOptions) {
    this.desired = deployment;
    const cold = new Set(versionsOf(deployment).map(({ version }) => version));
    this.serving = assignmentOf({ ...deployment, revision: 0 }, new Map(), cold);
    this.patience = setTimeout(() => this.settle(), SETTLED_WITHIN_MS).unref();
    void this.reconcile();
  }

  /** Takes over a newer deployment; an older or equal revision changes nothing. */
  update(deployment: ModelDeployment): void {
    if (deployment.revision <= this.desired.revision) return;
    this.desired = deployment;
    this.faults.clear();
    this.swapIfNoWorse(deployment);
    this.changed();
    this.options.onChange();
  }

  /** False while requests had better wait: nothing serves yet, and that may change without anybody's doing. */
  get isSettled(): boolean {
    return this.hasSettled;
  }

  /** Resolves once `isSettled`. */
  settled(): Promise<void> {
    return this.hasSettled ? Promise.resolve() : new Promise((resolve) => this.waiters.add(resolve));
  }

  /** Whether a champion is wanted and none is warm. */
  get lacksChampion(): boolean {
    return this.desired.champion !== undefined && this.serving.champion === undefined;
  }

  /** Topics of its own that the latest deployment names. */
  get requestTopics(): readonly string[] {
    return this.desired.requestTopics ?? [];
  }

  get model(): string {
    return this.desired.model;
  }

  get report(): SlotReport {
    return slotReport(this.desired, this.serving, this.faults);
  }

  /** Standbys that had to leave memory come back if there is room by now. */
  bringBackStandbys(): void {
    for (const model of this.held) void model.residence();
  }

  close(): void {
    this.closed = true;
    this.changed();
    this.settle();
    this.hold([]);
    for (const model of [...this.spare, ...this.fresh, ...this.serving.versions.values()]) model.retire();
  }

  /** Runs as long as the slot: loads what is desired, then waits for a change; after a failure also for the next attempt. */
  private async reconcile(): Promise<void> {
    for (let failures = 0, revision = 0; !this.closed; failures++) {
      const { promise: change } = this.change;
      const target = this.desired;
      if (target.revision !== revision) failures = 0;
      revision = target.revision;
      const retryInMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
      const isComplete = await this.assemble(target, change, retryInMs);
      if (target === this.desired) await (isComplete ? change : within(retryInMs, change));
    }
  }

  /** Loads what the target lacks and swaps it in if its champion is warm; true when nothing is left to try again. A newer deployment does not wait for it. */
  private async assemble(target: ModelDeployment, change: Promise<void>, retryInMs: number): Promise<boolean> {
    for (const version of versionsOf(target)) {
      if (this.warm(target, version) !== undefined) continue;
      try {
        await Promise.race([this.load(target, version), change]);
      } catch (thrown) {
        if (target === this.desired && this.failed(target, version, toContractError(thrown), retryInMs)) return false;
      }
      if (this.closed || target !== this.desired) return false;
      this.swapIfNoWorse(target);
    }
    this.swap(target);
    return this.serving.cold.size === 0;
  }

  /** Once for each version and all who want it; what nobody wants any more when it is there goes at once. */
  private load(target: ModelDeployment, served: ServedVersion): Promise<LoadedModel> {
    const limits = this.options.limitsOf(target);
    const key = JSON.stringify([served.version, served.artifactSha256, served.format, served.signature, limits]);
    const underway = this.loads.get(key);
    if (underway !== undefined) return underway;
    const load = this.options.load(target, served).then((model) => {
      const isWanted = versionsOf(this.desired).some((one) => model.serves(one, this.options.limitsOf(this.desired)));
      if (this.closed || !isWanted) model.retire();
      else this.fresh.push(model);
      return model;
    }).finally(() => this.loads.delete(key));
    // A deployment that came meanwhile may not want it: then nobody waits for it.
    load.catch(() => undefined);
    this.loads.set(key, load);
    return load;
  }

  /** @returns whether the deployment has to wait: its champion is missing, and that of before still serves */
  private failed(target: ModelDeployment, version: ServedVersion, error: ContractError, retryInMs: number): boolean {
    this.faults.set(version.version, error);
    const isChampion = version.version === target.champion?.version;
    this.options.onFailure({ deployment: target, version, error, retryInMs, servedBy: this.serving.champion?.version ?? (isChampion ? undefined : target.champion?.version) });
    this.options.onChange();
    if (isChampion && error.code !== 'unavailable') this.settle();
    return isChampion && this.serving.champion !== undefined;
  }

  private warm(target: ModelDeployment, version: ServedVersion): LoadedModel | undefined {
    const limits = this.options.limitsOf(target);
    return [...this.serving.versions.values(), ...this.spare, ...this.fresh].find((model) => model.serves(version, limits));
  }

  /** At once where nothing that answers requests would be missed: a rollback must not wait for a shadow to load. */
  private swapIfNoWorse(target: ModelDeployment): void {
    const { champion } = target;
    const isServing = this.serving.champion !== undefined && (champion === undefined || this.warm(target, champion) !== undefined);
    const isNoWorse = isServing && carriersOf(target).every((version) => this.warm(target, version) !== undefined || this.serving.cold.has(version.version));
    if (isNoWorse) this.swap(target);
  }

  private swap(target: ModelDeployment): void {
    const named = versionsOf(target).map((version) => [version.version, this.warm(target, version)] as const);
    const versions = new Map(named.flatMap(([version, model]) => (model === undefined ? [] : [[version, model]])));
    const cold = new Set(named.flatMap(([version, model]) => (model === undefined ? [version] : [])));
    const isNewRevision = this.serving.revision !== target.revision;
    // Another attempt that brought nothing new.
    if (!isNewRevision && this.serving.cold.size === cold.size) return;
    const before = [...this.serving.versions.values()];
    const kept = new Set(versions.values());
    this.serving = assignmentOf(target, versions, cold);
    for (const version of versions.keys()) this.faults.delete(version);
    this.hold((target.standbys ?? []).flatMap(({ version }) => versions.get(version) ?? []));
    const replaced = before.filter((model) => !kept.has(model));
    if (replaced.length > 0 || this.spare.some((model) => kept.has(model))) {
      for (const model of this.spare) if (!kept.has(model)) model.retire();
      this.spare = replaced;
    }
    for (const model of this.fresh) if (!kept.has(model)) model.retire();
    this.fresh = [];
    if (this.serving.champion !== undefined || target.champion === undefined) this.settle();
    if (isNewRevision) this.options.onSwap(target);
    this.options.onChange();
  }

  /** The new ones first: what stays a standby must not leave in between. */
  private hold(standbys: LoadedModel[]): void {
    for (const model of standbys) model.acquire();
    for (const model of this.held) model.release();
    this.held = standbys;
    this.bringBackStandbys();
  }

  private settle(): void {
    clearTimeout(this.patience);
    this.hasSettled = true;
    for (const resolve of this.waiters) resolve();
    this.waiters.clear();
  }

  private changed(): void {
    const { resolve } = this.change;
    this.change = Promise.withResolvers<void>();
    resolve();
  }
}

/** Resolves with `change`, or after `ms`. */
function within(ms: number, change: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void change.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
