import type { ModelPolicy, PromotionMode } from '@throughline/contracts';
import { changeText, differences, type Change } from './diff.js';
import { POLICY_FIELDS, type ModelFile } from './schema.js';

/** What the platform has of a model. */
export interface Present {
  readonly versions: readonly { readonly version: string; readonly uploadDigest: string; readonly archivedAt?: string | undefined }[];
  readonly policy: { readonly revision: number; readonly policy: ModelPolicy };
  /** Newest revision of the deployment; undefined before the first. */
  readonly deployment: { readonly revision: number; readonly champion?: string | undefined; readonly serving: Serving } | undefined;
  /** Versions that were champion at any time. */
  readonly pastChampions: readonly string[];
  readonly rollouts: readonly { readonly id: string; readonly candidate: string; readonly strategy: string; readonly status: string; readonly conclusion?: string | undefined }[];
  /** As it was put; undefined where the file says nothing of it and nobody was asked. */
  readonly retraining: object | undefined;
  /** Latest definitions of the views that the file names. */
  readonly featureViews: Readonly<Record<string, object>>;
}

export type Serving = NonNullable<ModelFile['serving']>;
type View = NonNullable<ModelFile['featureViews']>[number];

/** What the file says, its files read. */
export interface Wanted {
  readonly file: ModelFile;
  /** Of the upload; undefined where the file names no version. */
  readonly uploadDigest: string | undefined;
  /** Whether the file's version is to serve although another has taken its place since. */
  readonly isPromotionForced: boolean;
}

export type Action =
  | { readonly kind: 'view'; readonly view: View }
  | { readonly kind: 'version' }
  | { readonly kind: 'policy'; readonly policy: ModelPolicy; readonly expectedRevision: number }
  | { readonly kind: 'retraining'; readonly policy: object }
  | { readonly kind: 'serving'; readonly serving: Serving; readonly expectedRevision: number }
  /** The first champion, and how it is served, in one revision. */
  | { readonly kind: 'deploy'; readonly version: string | undefined; readonly serving: Serving; readonly expectedRevision: number }
  | { readonly kind: 'promote'; readonly version: string | undefined; readonly expected: string };

/** One part of the plan: what there is, and what is to be done about it. */
export interface PlannedStep {
  readonly title: string;
  /** Lines that begin with `+`, `~`, `-`, `=` (as it is) or `!` (for somebody to know). */
  readonly lines: readonly string[];
  readonly action?: Action | undefined;
}

/** What must be done, in an order in which a stop anywhere leaves something that works: what serves is touched last. */
export function planOf(wanted: Wanted, present: Present): PlannedStep[] {
  const [champion, ...serving] = servingSteps(wanted, present).toReversed();
  // A policy may make a revision of the deployment; what expects the revision that was seen comes before.
  return [...viewSteps(wanted, present), ...versionStep(wanted, present), ...serving, policyStep(wanted, present), ...retrainingStep(wanted, present), champion!];
}

export const isUpToDate = (plan: readonly PlannedStep[]): boolean => plan.every(({ action }) => action === undefined);

function viewSteps({ file }: Wanted, { featureViews }: Present): PlannedStep[] {
  return (file.featureViews ?? []).map((view) => {
    const changes = differences(featureViews[view.name], view);
    return { title: `feature view ${view.name}`, lines: told(changes), action: changes.length === 0 ? undefined : { kind: 'view', view } };
  });
}

/** The version that the file's upload is already; undefined if it is to be made. */
const knownVersion = ({ uploadDigest }: Wanted, { versions }: Present) => versions.find((one) => one.uploadDigest === uploadDigest);

function versionStep(wanted: Wanted, present: Present): PlannedStep[] {
  const { artifact } = wanted.file.version ?? {};
  if (artifact === undefined) return [];
  const known = knownVersion(wanted, present);
  if (known === undefined) return [{ title: 'version', lines: [`+ create version ${nextVersion(present)} from ${artifact}`], action: { kind: 'version' } }];
  const archived = known.archivedAt === undefined ? [] : [`! version ${known.version} is archived; POST …/versions/${known.version}/restore brings it back`];
  return [{ title: 'version', lines: [`= version ${known.version} from ${artifact}`, ...archived] }];
}

function policyStep({ file }: Wanted, { policy: { policy, revision } }: Present): PlannedStep {
  const desired = Object.fromEntries(POLICY_FIELDS.flatMap((field) => (file[field] === undefined ? [] : [[field, file[field]]]))) as ModelPolicy;
  const changes = differences(policy, desired);
  return { title: 'policy', lines: told(changes), action: changes.length === 0 ? undefined : { kind: 'policy', policy: desired, expectedRevision: revision } };
}

function retrainingStep({ file: { retraining } }: Wanted, present: Present): PlannedStep[] {
  if (retraining === undefined) return [];
  const changes = differences(present.retraining ?? {}, retraining);
  return [{ title: 'retraining', lines: told(changes), action: changes.length === 0 ? undefined : { kind: 'retraining', policy: retraining } }];
}

function servingSteps(wanted: Wanted, present: Present): PlannedStep[] {
  const { deployment } = present;
  const serving = wanted.file.serving ?? deployment?.serving ?? {};
  const changes = differences(deployment?.serving ?? {}, serving);
  const champion = championStep(wanted, present, serving, changes);
  if (champion.action?.kind === 'deploy') return [champion];
  if (wanted.file.serving === undefined) return [champion];
  if (deployment === undefined) return [{ title: 'serving', lines: ['! nothing is deployed yet: say what serves under “version”'] }, champion];
  const action: Action | undefined = changes.length === 0 ? undefined : { kind: 'serving', serving, expectedRevision: deployment.revision };
  return [{ title: 'serving', lines: told(changes), action }, champion];
}

function championStep(wanted: Wanted, present: Present, serving: Serving, changes: readonly Change[]): PlannedStep {
  const title = 'champion';
  const champion = present.deployment?.champion;
  if (wanted.file.version === undefined) return { title, lines: [champion === undefined ? '! nothing serves, and the file names no version' : `= version ${champion}`] };
  const known = knownVersion(wanted, present);
  const version = known?.version ?? nextVersion(present);
  if (champion === undefined) {
    const action: Action = { kind: 'deploy', version: known?.version, serving, expectedRevision: present.deployment?.revision ?? 0 };
    return { title, lines: [`+ version ${version} serves, at once: it is the first`, ...(changes.length === 0 ? [] : told(changes))], action };
  }
  if (champion === known?.version) return { title, lines: [`= version ${champion}`] };
  const running = present.rollouts.find(({ status }) => ['warming', 'running', 'paused'].includes(status));
  if (running !== undefined) {
    const says = `the ${running.strategy.replace('_', '-')} rollout ${running.id} of version ${running.candidate}`;
    return { title, lines: [running.candidate === version ? `= version ${champion}; ${says} is under way` : `! version ${version} waits for the end of ${says}`] };
  }
  const held = wanted.isPromotionForced || known === undefined ? undefined : whyNotAgain(known.version, present);
  if (held !== undefined) return { title, lines: [`! version ${champion} serves, not the file’s version ${version}: ${held}; --promote brings it in all the same`] };
  return { title, lines: [promotionText(wanted.file.promotion?.mode ?? 'immediate', champion, version, wanted.file.promotion?.rollout?.strategy)], action: { kind: 'promote', version: known?.version, expected: champion } };
}

/** A version that has had its time is not brought back because a file was applied again. */
function whyNotAgain(version: string, { pastChampions, rollouts }: Present): string | undefined {
  if (pastChampions.includes(version)) return 'it has been champion before, and was replaced';
  const tried = rollouts.find(({ candidate }) => candidate === version);
  return tried === undefined ? undefined : `its ${tried.strategy.replace('_', '-')} rollout ended (${tried.status.replace('_', ' ')}${tried.conclusion === undefined ? '' : `: ${tried.conclusion}`})`;
}

function promotionText(mode: PromotionMode, champion: string, version: string, strategy = 'canary'): string {
  if (mode === 'rollout') return `+ a ${strategy.replace('_', '-')} rollout of version ${version} against champion ${champion}`;
  return `~ version ${champion} -> ${version}${mode === 'approval' ? ', if you may approve' : ', at once'}`;
}

const nextVersion = ({ versions }: Present): string => String(Math.max(0, ...versions.map(({ version }) => Number(version))) + 1);
const told = (changes: readonly Change[]): string[] => (changes.length === 0 ? ['= unchanged'] : changes.map(changeText));

/** The plan for a person. */
export function planText(model: string, plan: readonly PlannedStep[]): string {
  return [`model ${model}`, ...plan.flatMap(({ title, lines }) => (lines.length === 1 ? [`  ${title}: ${lines[0]}`] : [`  ${title}:`, ...lines.map((line) => `    ${line}`)]))].join('\n');
}
