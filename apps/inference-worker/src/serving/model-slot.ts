import { toContractError, type ContractError, type ModelDeployment, type ServedVersion } from '@throughline/contracts';
import { assignmentOf, versionsOf, type Assignment } from '../domain/assignment.js';
import type { BatchLimits, LoadedModel } from './loaded-model.js';

export interface SlotOptions {
  /** Loads a version and warms it up; throws a ContractError. */
  readonly load: (deployment: ModelDeployment, version: ServedVersion) => Promise<LoadedModel>;
  readonly onFailure: (failure: LoadFailure) => void;
  readonly onSwap: (deployment: ModelDeployment) => void;
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
 * assignment of `serving`; while its champion does not load, the old one serves on, and the load is tried again.
 */
export class ModelSlot {
  serving: Assignment<LoadedModel>;
  private desired: ModelDeployment;
  /** Of the assignment before: kept warm until the next swap, because a rollback wants it at once. */
  private spare: LoadedModel[] = [];
  private closed = false;
  private wake: () => void = () => {};
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
    this.wake();
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

  close(): void {
    this.closed = true;
    this.wake();
    this.settle();
    for (const model of [...this.spare, ...this.serving.versions.values()]) model.retire();
  }

  /** Runs as long as the slot: loads what is desired, then waits for a change; after a failure also for the next attempt. */
  private async reconcile(): Promise<void> {
    for (let failures = 0, revision = 0; !this.closed; ) {
      const target = this.desired;
      if (target.revision !== revision) failures = 0;
      revision = target.revision;
      const retryInMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
      const complete = await this.assemble(target, retryInMs);
      failures++;
      if (target === this.desired) await this.changed(complete ? undefined : retryInMs);
    }
  }

  /** Loads what the target lacks and swaps it in if its champion is warm; true when nothing is left to try again. */
  private async assemble(target: ModelDeployment, retryInMs: number): Promise<boolean> {
    const versions = new Map<string, LoadedModel>();
    const cold = new Set<string>();
    for (const version of versionsOf(target)) {
      try {
        versions.set(version.version, this.warm(target, version) ?? (await this.options.load(target, version)));
      } catch (thrown) {
        const error = toContractError(thrown);
        cold.add(version.version);
        this.options.onFailure({ deployment: target, version, error, retryInMs, servedBy: this.serving.champion?.version ?? (version === target.champion ? undefined : target.champion?.version) });
        if (version === target.champion && error.code !== 'unavailable') this.settle();
        if (version === target.champion && this.serving.champion !== undefined) return false;
      }
    }
    if (this.closed) for (const model of versions.values()) model.retire();
    else this.swap(target, versions, cold);
    return cold.size === 0;
  }

  private warm(target: ModelDeployment, version: ServedVersion): LoadedModel | undefined {
    const known = [...this.serving.versions.values(), ...this.spare];
    return known.find((model) => model.serves(version, this.options.limitsOf(target)));
  }

  private swap(target: ModelDeployment, versions: ReadonlyMap<string, LoadedModel>, cold: ReadonlySet<string>): void {
    // Another attempt that brought nothing new.
    if (this.serving.revision === target.revision && this.serving.cold.size === cold.size) return;
    const before = [...this.serving.versions.values()];
    this.serving = assignmentOf(target, versions, cold);
    const isKept = (model: LoadedModel): boolean => [...versions.values()].includes(model);
    const replaced = before.filter((model) => !isKept(model));
    if (replaced.length > 0 || this.spare.some(isKept)) {
      for (const model of this.spare) if (!isKept(model)) model.retire();
      this.spare = replaced;
    }
    if (this.serving.champion !== undefined || target.champion === undefined) this.settle();
    this.options.onSwap(target);
  }

  private settle(): void {
    clearTimeout(this.patience);
    this.hasSettled = true;
    for (const resolve of this.waiters) resolve();
    this.waiters.clear();
  }

  /** Resolves when another deployment arrives, or after `retryInMs`. */
  private changed(retryInMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = retryInMs === undefined ? undefined : setTimeout(() => this.wake(), retryInMs);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = () => {};
        resolve();
      };
      if (this.closed) this.wake();
    });
  }
}
