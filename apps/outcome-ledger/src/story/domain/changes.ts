import { POLICY_PARTS, type Assignment, type PolicyPart } from './assignment.js';
import { named, percent } from './why.js';

/** Something that is otherwise than it was when the prediction was answered. */
export interface Change {
  readonly at: string;
  readonly revision: number;
  readonly kind: 'champion' | 'rollout' | 'traffic' | 'shadows' | 'fallbacks' | 'budget' | 'policy' | 'unknown';
  readonly text: string;
  readonly by?: string;
  readonly reason?: string;
}

/** What a model's deployment has become since a revision. */
export interface Since {
  /** Role that the version has now; `none`: nothing asks it any more. */
  readonly versionNow: 'champion' | 'challenger' | 'shadow' | 'standby' | 'fallback' | 'none' | 'unknown';
  readonly currentRevision?: number;
  /** In the order in which they were decided. */
  readonly changes: readonly Change[];
  /** The latest are told; so many lie before them. */
  readonly omitted: number;
}

const MAX_CHANGES = 50;

/**
 * @param revision of the answer
 * @param known assignments of the model from that revision on, in their order; some may be missing
 */
export function changesSince(version: string | undefined, revision: number | undefined, known: readonly Assignment[]): Since {
  const last = known.at(-1);
  if (revision === undefined || last === undefined) return { versionNow: 'unknown', changes: [], omitted: 0 };
  const changes = known.flatMap((after, index): Change[] => {
    const before = known[index - 1];
    const gap = gapBefore(before?.revision ?? revision - 1, after);
    return before === undefined ? gap : [...gap, ...differences(before, after)];
  });
  return { versionNow: version === undefined ? 'none' : roleOf(version, last), currentRevision: last.revision, changes: changes.slice(-MAX_CHANGES), omitted: Math.max(0, changes.length - MAX_CHANGES) };
}

function gapBefore(revision: number, after: Assignment): Change[] {
  const [first, last] = [revision + 1, after.revision - 1];
  if (first > last) return [];
  return [{ at: iso(after.decidedAtMs), revision: last, kind: 'unknown', text: first === last ? `revision ${first} is not known here` : `revisions ${first} to ${last} are not known here` }];
}

function differences(before: Assignment, after: Assignment): Change[] {
  const common = { at: iso(after.decidedAtMs), revision: after.revision, ...(after.author === undefined ? {} : { by: after.author }), ...(after.reason === undefined ? {} : { reason: after.reason }) };
  const told = [champion(before, after), ...rollout(before, after), traffic(before, after), shadows(before, after), fallbacks(before, after), budget(before, after), ...policy(before, after)];
  return told.flatMap((one) => (one === undefined ? [] : [{ ...common, ...one }]));
}

type Told = Pick<Change, 'kind' | 'text'>;

function champion(before: Assignment, after: Assignment): Told | undefined {
  if (before.champion === after.champion) return undefined;
  if (after.champion === undefined) return { kind: 'champion', text: `version ${before.champion} was taken out: nothing serves` };
  return { kind: 'champion', text: before.champion === undefined ? `version ${after.champion} became champion` : `version ${after.champion} became champion instead of version ${before.champion}` };
}

function rollout({ rollout: before }: Assignment, { rollout: after, champion: champions }: Assignment): Told[] {
  const ended = before !== undefined && before.id !== after?.id;
  const end = ended ? [{ kind: 'rollout' as const, text: `the ${named(before.strategy)} of version ${before.candidate} ended: ${champions === before.candidate ? 'it is in' : 'it is not the champion'}` }] : [];
  if (after === undefined) return end;
  const begun = before?.id !== after.id;
  if (!begun && before.step === after.step) return end;
  const where = after.step === 0 ? 'warms it' : `is at step ${after.step}`;
  return [...end, { kind: 'rollout', text: begun ? `a ${named(after.strategy)} of version ${after.candidate} began and ${where}` : `the ${named(after.strategy)} of version ${after.candidate} ${where}` }];
}

function traffic(before: Assignment, after: Assignment): Told | undefined {
  const text = ({ challengers }: Assignment): string => challengers.map(({ version, share }) => `version ${version} with ${percent(share)}`).join(', ');
  if (text(before) === text(after)) return undefined;
  return { kind: 'traffic', text: after.challengers.length === 0 ? 'no challenger shares the traffic any more' : `challengers: ${text(after)}` };
}

function shadows(before: Assignment, after: Assignment): Told | undefined {
  if (isSame(before.shadows, after.shadows)) return undefined;
  return { kind: 'shadows', text: after.shadows.length === 0 ? 'no shadow is asked any more' : `shadows: version ${after.shadows.join(', version ')}` };
}

function fallbacks(before: Assignment, after: Assignment): Told | undefined {
  // The registry says of a fallback what was chosen, the deployment which version that is: only kinds are comparable.
  const kinds = ({ fallbacks: all }: Assignment): string => all.map(({ kind }) => kind).join(', ');
  return kinds(before) === kinds(after) ? undefined : { kind: 'fallbacks', text: after.fallbacks.length === 0 ? 'no fallback any more' : `fallbacks: ${kinds(after)}` };
}

const budget = (before: Assignment, after: Assignment): Told | undefined =>
  isSame(before.latencyBudgetMs, after.latencyBudgetMs) ? undefined : { kind: 'budget', text: 'the latency budget is another one' };

const POLICY_TEXT: Readonly<Record<PolicyPart, string>> = {
  outcome: 'what its outcome means and is worth', monitoring: 'how it is monitored', privacy: 'what is withheld for privacy', batching: 'how its rows are batched', breaker: 'when its breaker opens', requestTopics: 'its own request topics',
};

const policy = (before: Assignment, after: Assignment): Told[] =>
  POLICY_PARTS.filter((part) => !isSame(before.policy[part], after.policy[part])).map((part) => ({ kind: 'policy', text: `changed: ${POLICY_TEXT[part]}` }));

function roleOf(version: string, { champion: champions, challengers, shadows: all, standbys, fallbacks: standIns }: Assignment): Since['versionNow'] {
  if (version === champions) return 'champion';
  if (challengers.some((one) => one.version === version)) return 'challenger';
  if (all.includes(version)) return 'shadow';
  if (standbys.includes(version)) return 'standby';
  return standIns.some((one) => one.version === version) ? 'fallback' : 'none';
}

const iso = (epochMs: number): string => new Date(epochMs).toISOString();

/** Whether two values say the same, whatever the order of their members. */
const isSame = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'undefined';
  return `{${Object.entries(value).filter(([, one]) => one !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join()}}`;
}
