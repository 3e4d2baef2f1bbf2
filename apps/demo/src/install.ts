import type { FeatureViewDefinition } from '@throughline/features';
import { AIRPORT_TRAFFIC } from './domain/airport-traffic.js';
import { MODEL } from './domain/flight-messages.js';
import { figure } from './domain/format.js';
import { eventually } from './eventually.js';
import type { PlatformClient } from './platform/platform-client.js';
import type { Progress } from './progress.js';
import { trainFirstModel } from './training/first-model.js';

export interface Installed {
  readonly view: FeatureViewDefinition;
  readonly version: string;
  /** Tells one installation of the platform from another. */
  readonly installation: string;
  readonly isNew: boolean;
}

const READY_WITHIN_MS = 60_000;
/** Flights land at most some eleven hours after they left; until then only the short ones have outcomes. */
const MATURITY_SECONDS = 12 * 3600;
/** A passenger who is warned of a delay plans anew, and one who is warned for nothing does so too. Nobody has measured either: they show how worth is declared. */
const OUTCOME = { maturitySeconds: MATURITY_SECONDS, valueMicroUsd: { truePositive: 2_000_000, falsePositive: -500_000 } };

/**
 * Sees to it that the feature view is defined, a model trained, registered and serving; what is there already is left as it is.
 *
 * @throws ContractError of the platform; Error when no worker gets ready
 */
export async function install(platform: PlatformClient, progress: Progress, signal: AbortSignal): Promise<Installed> {
  const view = await platform.putView(AIRPORT_TRAFFIC);
  const champion = await platform.champion(MODEL);
  const version = champion ?? (await trainAndDeploy(platform, view.version, progress, signal));
  if (champion !== undefined) progress.done(`Found ${MODEL} v${champion} serving`);
  const { createdAt } = await platform.version(MODEL, '1');
  if (champion === undefined) await platform.putRetrainingPolicy(MODEL, { maturitySeconds: MATURITY_SECONDS });
  progress.update('waiting until a worker has loaded and warmed the model');
  if (!(await eventually(() => platform.isReady(MODEL), READY_WITHIN_MS, signal)) && !signal.aborted) throw new Error(`no worker was ready for ${MODEL} within ${READY_WITHIN_MS / 1000} s`);
  return { view, version, installation: createdAt, isNew: champion === undefined };
}

/**
 * Milliseconds for each stage of an answer that counts as near real time, and what is said while the model cannot: how often flights are late.
 * The report of the monitor names the stage that eats its budget.
 */
const servingPolicy = (baseRate: number): object => ({
  latencyBudgetMs: { transport: 25, features: 5, queue: 20, preprocess: 2, inference: 5, postprocess: 10, publish: 30 },
  fallbacks: [{ kind: 'constant', outputs: { probability: [Math.fround(baseRate)] }, score: Math.fround(baseRate) }],
});

async function trainAndDeploy(platform: PlatformClient, viewVersion: number, progress: Progress, signal: AbortSignal): Promise<string> {
  const startMs = performance.now();
  const model = await trainFirstModel(viewVersion, (doing, share) => {
    signal.throwIfAborted();
    progress.update(doing, share);
  });
  const { auc, brier, baseBrier, count } = model.heldOut;
  progress.done(`Trained in ${((performance.now() - startMs) / 1000).toFixed(1)} s; on ${count.toLocaleString('en-US')} later flights: AUC ${figure(auc)}, Brier ${figure(brier, 4)} (base rate alone ${figure(baseBrier, 4)})`);
  progress.update('registering it');
  const { version, artifactSha256 } = await platform.register(MODEL, model);
  // Whoever may deploy may not always write policies; flights leave without one too.
  if (!(await platform.putPolicy(MODEL, { outcome: OUTCOME }))) progress.done(`Left ${MODEL} without a policy, which takes the role approver: its outcomes have no due date and no worth`);
  await platform.deployFirst(MODEL, version, servingPolicy(model.baseRate));
  progress.done(`Registered ${MODEL} v${version} (${artifactSha256.slice(0, 12)}…) and made it champion`);
  return version;
}
