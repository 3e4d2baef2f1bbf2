import { ContractError, type AlertRaised, type ModelDeployment, type ServedVersion } from '@throughline/contracts';
import { histogram, METRICS, observableGauge, type Logger } from '@throughline/telemetry';
import type { Assignment } from '../domain/assignment.js';
import { artifactAlert, isArtifactFault } from './artifact-alert.js';
import { LoadedModel, type BatchLimits } from './loaded-model.js';
import type { ModelHost } from './model-host.js';
import { ModelSlot, type LoadFailure } from './model-slot.js';
import type { SlotReport } from './slot-report.js';

export interface FleetOptions {
  readonly host: ModelHost;
  readonly logger: Logger;
  /** Rows a run takes at most, where the deployment does not say. */
  readonly defaultMaxBatchSize: number;
  /** Told of every version before it serves. */
  readonly onLoaded?: (model: LoadedModel) => void;
  /** Publishes an alert; rejects when that failed. */
  readonly raiseAlert?: (alert: AlertRaised) => Promise<void>;
}

/** All models this worker serves. Fed by `model.deployment`. */
export class ModelFleet {
  private readonly slots = new Map<string, ModelSlot>();
  /** Alerts that have been raised: a version is loaded again and again, its fault is told once. */
  private readonly alerted = new Set<string>();
  private readonly host: ModelHost;
  private onChange: (model: string) => void = () => {};
  private isCaughtUp = false;
  private readonly loadSeconds = histogram(METRICS.modelLoadSeconds);
  private readonly stopGauge = observableGauge(METRICS.modelsLoaded, () => [...this.slots.values()].map(({ model, serving }) => ({ value: serving.versions.size, labels: { model } })));

  constructor(private readonly options: FleetOptions) {
    this.host = { ...options.host, onMoved: (model) => this.onChange(model) };
  }

  /** Takes over a deployment; loading goes on in the background. */
  apply(deployment: ModelDeployment): void {
    const slot = this.slots.get(deployment.model);
    if (slot !== undefined) return slot.update(deployment);
    const { logger } = this.options;
    const created = new ModelSlot(deployment, {
      load: (target, version) => this.load(target, version),
      limitsOf: (target) => this.limitsOf(target),
      onSwap: ({ model, revision, champion }) => logger.info({ model, revision, champion: champion?.version }, 'serving'),
      onFailure: (failure) => this.failed(failure),
      onChange: () => this.onChange(deployment.model),
    });
    this.slots.set(deployment.model, created);
  }

  /** The model is deployed no more. */
  remove(model: string): void {
    this.slots.get(model)?.close();
    this.slots.delete(model);
    this.onChange(model);
  }

  /** Calls the listener whenever what `report` says of a model may have changed. */
  watch(listener: (model: string) => void): void {
    this.onChange = listener;
  }

  /** What is held of a model; `undefined` when it is not deployed. */
  report(model: string): SlotReport | undefined {
    return this.slots.get(model)?.report;
  }

  bringBackStandbys(): void {
    for (const slot of this.slots.values()) slot.bringBackStandbys();
  }

  assignment(model: string): Assignment<LoadedModel> | undefined {
    return this.slots.get(model)?.serving;
  }

  /** Request topics of their own that deployments name. */
  get requestTopics(): ReadonlySet<string> {
    return new Set([...this.slots.values()].flatMap(({ requestTopics }) => requestTopics));
  }

  get models(): readonly string[] {
    return [...this.slots.keys()];
  }

  /** `undefined` unless the model is about to get its first champion; then resolves when it has, or will not soon; rejects with `unavailable` when the signal is aborted. */
  settled(model: string, signal: AbortSignal): Promise<void> | undefined {
    const slot = this.slots.get(model);
    return slot === undefined || slot.isSettled ? undefined : untilAborted(slot.settled(), signal, `stopped while “${model}” was loading`);
  }

  /** The whole topic has been read; what is deployed later makes nobody unready. */
  async caughtUp(): Promise<void> {
    await Promise.all([...this.slots.values()].map((slot) => slot.settled()));
    this.isCaughtUp = true;
  }

  /** @throws ContractError `model_not_ready` while a champion is missing. */
  checkReady(): void {
    if (!this.isCaughtUp) throw new ContractError('model_not_ready', 'the deployments have not been read to their end');
    const cold = [...this.slots.values()].filter(({ lacksChampion }) => lacksChampion).map(({ model }) => model);
    if (cold.length > 0) throw new ContractError('model_not_ready', `no champion is warm for ${cold.join(', ')}`);
  }

  close(): void {
    this.stopGauge();
    for (const model of this.models) this.remove(model);
    this.options.host.memory.close();
    void this.options.host.loader.close();
  }

  private limitsOf({ batching, maxBatchSize }: ModelDeployment): BatchLimits {
    return { maxBatchSize: batching?.maxBatchSize ?? maxBatchSize ?? this.options.defaultMaxBatchSize, maxDelayMs: batching?.maxDelayMs ?? 0 };
  }

  private failed(failure: LoadFailure): void {
    const { deployment: { model, revision }, version: { version }, error, retryInMs } = failure;
    this.options.logger.error({ model, revision, version, code: error.code, reason: error.message, cure: error.cure, retryInMs }, 'a version could not be loaded');
    if (!isArtifactFault(error)) return;
    const alert = artifactAlert(failure, Date.now());
    if (this.alerted.has(alert.alertId)) return;
    this.alerted.add(alert.alertId);
    this.options.raiseAlert?.(alert).catch((thrown: unknown) => {
      // The next attempt to load raises it again.
      this.alerted.delete(alert.alertId);
      this.options.logger.error({ model, version, reason: String(thrown) }, 'an alert could not be published');
    });
  }

  private async load(target: ModelDeployment, served: ServedVersion): Promise<LoadedModel> {
    const startMs = performance.now();
    const seconds = (): number => (performance.now() - startMs) / 1000;
    try {
      const loaded = await LoadedModel.load(target.model, served, this.limitsOf(target), this.host);
      this.options.onLoaded?.(loaded);
      this.loadSeconds.record(seconds(), { model: target.model, result: 'loaded' });
      return loaded;
    } catch (error) {
      this.loadSeconds.record(seconds(), { model: target.model, result: error instanceof ContractError ? error.code : 'internal' });
      throw error;
    }
  }
}

/** Rejects with `unavailable` when the signal is aborted first: the work is then somebody else's. */
async function untilAborted(work: Promise<void>, signal: AbortSignal, reason: string): Promise<void> {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new ContractError('unavailable', reason));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    if (signal.aborted) onAbort();
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
