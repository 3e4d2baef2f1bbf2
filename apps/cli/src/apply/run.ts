import { ContractError } from '@throughline/contracts';
import type { Action, PlannedStep } from '../domain/apply/plan.js';
import { uploadVersion } from '../upload.js';
import type { Platform } from './platform.js';
import type { LocalVersion } from './read-file.js';

export interface Reporter {
  /** A step that takes its time: how far it is. */
  progress(doing: string): void;
  /** A step that is done. */
  done(what: string): void;
  /** Something that somebody else must do, or should know. */
  note(what: string): void;
}

export interface RunOptions {
  readonly platform: Platform;
  readonly model: string;
  readonly local: LocalVersion | undefined;
  /** Why a version that does not say what made it may serve all the same. */
  readonly override: string | undefined;
}

/**
 * Carries a plan out, step by step. What is done stays done: run again, the rest is what the next plan says.
 *
 * @throws ContractError of the step that failed; every step before it has been reported as done
 */
export async function carryOut(plan: readonly PlannedStep[], options: RunOptions, report: Reporter): Promise<void> {
  let version: string | undefined;
  for (const { title, action } of plan) {
    if (action === undefined) continue;
    report.progress(title);
    version = (await run(action, version, options, report)) ?? version;
  }
}

async function run(action: Action, made: string | undefined, { platform, model, local, override }: RunOptions, report: Reporter): Promise<string | undefined> {
  switch (action.kind) {
    case 'view': {
      const { version } = await platform.putView(action.view);
      return void report.done(`feature view ${action.view.name} is at version ${version}`);
    }
    case 'version': {
      const version = await upload(platform, local!, report);
      report.done(`version ${version} is in the registry`);
      return version;
    }
    case 'policy': {
      const { warnings = [] } = await platform.putPolicy(action.policy, action.expectedRevision);
      report.done('policy');
      return void warnings.forEach((warning) => report.note(warning));
    }
    case 'retraining':
      await platform.putRetraining(action.policy);
      return void report.done('retraining policy');
    case 'serving':
      await platform.putServing(action.serving, action.expectedRevision);
      return void report.done('serving');
    case 'deploy': {
      const version = action.version ?? made!;
      await unlessApprovalIsNeeded(() => platform.deploy(version, action.serving, action.expectedRevision, override).then(() => report.done(`version ${version} serves`)), model, version, report);
      return undefined;
    }
    case 'promote': {
      const version = action.version ?? made!;
      await unlessApprovalIsNeeded(async () => {
        const rollout = await platform.promote(version, action.expected, override);
        report.done(rollout === undefined ? `version ${version} is champion` : `rollout ${rollout} of version ${version} has begun; look on: npx throughline rollouts watch ${model}`);
      }, model, version, report);
      return undefined;
    }
  }
}

async function upload(platform: Platform, { metadata, artifact, reference, signature }: LocalVersion, report: Reporter): Promise<string> {
  const text = Object.keys(metadata).length === 0 ? undefined : JSON.stringify(metadata);
  const { version } = await uploadVersion<{ version: string }>(platform.versionsUrl, { metadata: text, files: { artifact, reference, signature } }, (doing) => report.progress(doing));
  return version;
}

/** That somebody else must approve is no failure of what was applied. */
async function unlessApprovalIsNeeded(act: () => Promise<void>, model: string, version: string, report: Reporter): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof ContractError && error.code === 'approval_required')) throw error;
    report.note(`version ${version} waits for an approver, who says: npx throughline models promote ${model} ${version} --approve`);
  }
}
