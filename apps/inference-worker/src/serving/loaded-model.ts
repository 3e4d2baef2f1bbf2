import { ContractError, type ServedVersion } from '@throughline/contracts';
import { PackPlanError, planPacking, type PackPlan } from '@throughline/features';
import { ONNX_RUNTIME } from '@throughline/onnx';
import { RULES_RUNTIME } from '@throughline/rules';
import type { ServedModel } from '../domain/answer.js';
import { LookupError, planLookups, type Lookup } from '../domain/stored-features.js';
import { checkGolden } from './golden-check.js';
import { GraphBody } from './graph-body.js';
import type { ModelHost } from './model-host.js';
import type { PreparedBatch } from './prepared-batch.js';
import { RulesBody } from './rules-body.js';

/** How a deployment wants rows to become runs. */
export interface BatchLimits {
  readonly maxBatchSize: number;
  readonly maxDelayMs: number;
}

/** A version that has been in memory and warm; one that had to leave comes back when it is asked. */
export class LoadedModel implements ServedModel {
  private users = 0;
  private retired = false;

  private constructor(
    readonly model: string,
    private readonly served: ServedVersion,
    readonly plan: PackPlan,
    readonly lookups: readonly Lookup[],
    private readonly body: GraphBody | RulesBody,
    private readonly limits: BatchLimits,
  ) {}

  /**
   * Fetches, loads, checks against the signature it was registered with, warms up, and lets it answer its golden inputs.
   *
   * @throws ContractError `artifact_load_failed`, `artifact_golden_mismatch` or another of the `artifact_…` codes, `rules_invalid`, `unavailable`, `not_found`
   */
  static async load(model: string, served: ServedVersion, limits: BatchLimits, host: ModelHost): Promise<LoadedModel> {
    try {
      const loaded = await LoadedModel.open(model, served, limits, host);
      await loaded.checkGolden();
      return loaded;
    } catch (cause) {
      throw loadError(model, served, cause);
    }
  }

  private static async open(model: string, served: ServedVersion, limits: BatchLimits, host: ModelHost): Promise<LoadedModel> {
    const lookups = planLookups(served.signature);
    if (served.format === 'rules') {
      const body = await RulesBody.load(served, host.artifacts);
      return new LoadedModel(model, served, body.plan, lookups, body, limits);
    }
    const plan = planPacking(served.signature);
    const body = await GraphBody.load(host, { model, served, plan, maxBatchSize: limits.maxBatchSize });
    return new LoadedModel(model, served, plan, lookups, body, limits);
  }

  private async checkGolden(): Promise<void> {
    const { golden } = this.served;
    if (golden === undefined) return;
    // Memory must not run out from under the check.
    this.acquire();
    try {
      await checkGolden(this, golden);
    } catch (thrown) {
      this.retire();
      throw thrown;
    } finally {
      this.release();
    }
  }

  get format(): 'onnx' | 'rules' {
    return this.served.format ?? 'onnx';
  }

  /** What computes its answers, for whoever recomputes one weeks later. */
  get runtime(): string {
    return this.format === 'rules' ? RULES_RUNTIME : ONNX_RUNTIME;
  }

  /** Rows that one run takes at most. */
  get maxBatchSize(): number {
    return this.limits.maxBatchSize;
  }

  /** How long the first row of a run may wait for others. */
  get maxDelayMs(): number {
    return this.limits.maxDelayMs;
  }

  /** Whether it runs on the hot thread; decided by what its first warm-up measured. */
  get isInline(): boolean {
    return this.body.isInline;
  }

  get version(): string {
    return this.served.version;
  }

  get artifactSha256(): string {
    return this.served.artifactSha256;
  }

  get signature(): ServedVersion['signature'] {
    return this.served.signature;
  }

  /** Whether it is what a deployment asks for, so that it need not be loaded again. */
  serves({ version, artifactSha256, signature, format }: ServedVersion, { maxBatchSize, maxDelayMs }: BatchLimits): boolean {
    const isSame = version === this.version && artifactSha256 === this.artifactSha256 && (format ?? 'onnx') === this.format;
    const isAlike = maxBatchSize === this.maxBatchSize && maxDelayMs === this.maxDelayMs;
    return isSame && isAlike && JSON.stringify(signature) === JSON.stringify(this.signature);
  }

  /** Room for rows on their way into one run. */
  prepare(rowCount: number): PreparedBatch {
    return this.body.prepare(rowCount);
  }

  /**
   * `undefined` while it is in memory. Else it is on its way back when this resolves or, where memory is full of models in use, comes when
   * its run begins; rejects with a ContractError when it cannot.
   */
  residence(): Promise<void> | undefined {
    return this.body instanceof GraphBody ? this.body.residence() : undefined;
  }

  /** `undefined` while it is in memory; else brings it back, and resolves with what lets it leave again; rejects with a ContractError when it cannot. */
  comeBack(): Promise<() => void> | undefined {
    return this.body instanceof GraphBody ? this.body.comeBack() : undefined;
  }

  /** Whether it would answer at once. */
  get isResident(): boolean {
    return !(this.body instanceof GraphBody) || this.body.isResident;
  }

  /** Why it does not come back to memory. */
  get fault(): ContractError | undefined {
    return this.body instanceof GraphBody ? this.body.fault : undefined;
  }

  /** Keeps the model until `release`; in memory too, unless that is full of models in use. */
  acquire(): void {
    this.users++;
    if (this.body instanceof GraphBody) this.body.acquire();
  }

  release(): void {
    this.users--;
    if (this.body instanceof GraphBody) this.body.release();
    this.disposeIfUnused();
  }

  /** Frees the memory as soon as nobody uses it. */
  retire(): void {
    this.retired = true;
    this.disposeIfUnused();
  }

  private disposeIfUnused(): void {
    if (this.retired && this.users === 0 && this.body instanceof GraphBody) void this.body.close();
  }
}

/** What is on the list of errors and is not the version's own passes; everything else says whose it is. */
function loadError(model: string, served: ServedVersion, thrown: unknown): unknown {
  const isPlan = thrown instanceof PackPlanError || thrown instanceof LookupError;
  const isOwn = thrown instanceof ContractError && (thrown.code === 'model_failed' || thrown.code === 'artifact_load_failed');
  if (isPlan) return new ContractError('artifact_load_failed', thrown.message, { cause: thrown });
  if (!isOwn) return thrown;
  return new ContractError('artifact_load_failed', `version ${served.version} of “${model}” does not warm up: ${thrown.message}`, { cause: thrown });
}
