import { STAGES } from '@throughline/contracts';

/** What the ledger tells of a prediction, as far as this command reads it. Times are RFC 3339. */
export interface Story {
  readonly predictionId: string;
  readonly state: string;
  readonly request?: {
    readonly source: string; readonly id: string; readonly lane: string; readonly team?: string; readonly routingKey?: string; readonly attempt: number;
    readonly entities?: Readonly<Record<string, string>>; readonly occurredAt: string; readonly requestedAt: string; readonly coordinates?: string;
  };
  readonly answer?: {
    readonly model: string; readonly version: string; readonly artifactSha256?: string; readonly role: string; readonly assignmentRevision: number; readonly score?: number;
    readonly threshold?: number; readonly outputs: unknown; readonly answeredAt: string; readonly timingsMs?: Readonly<Record<string, number>> | null; readonly batchSize: number;
    readonly worker: string; readonly runtime?: string; readonly fallback?: { readonly kind: string; readonly reason: string };
  };
  readonly rejection?: { readonly code: string; readonly reason: string; readonly cure?: string; readonly model?: string; readonly answeredAt: string };
  readonly features?: readonly { readonly name: string; readonly value: unknown; readonly view?: string; readonly entityRole?: string; readonly ageSeconds?: number; readonly defaulted?: boolean }[];
  readonly outcome?: { readonly value: unknown; readonly source: string; readonly occurredAt: string; readonly delaySeconds: number; readonly error?: number; readonly correct?: boolean } | null;
  readonly outcomes: readonly { readonly value: unknown; readonly source: string; readonly sequence: number; readonly occurredAt: string; readonly receivedAt: string; readonly holds: boolean }[];
  readonly shadows?: readonly { readonly version: string; readonly score: number | null }[];
  readonly trace?: { readonly traceId: string; readonly sampled: boolean } | null;
}

/** The story as a person reads it, in the order in which it happened. */
export function renderStory(story: Story): string {
  const parts = [[`Prediction ${story.predictionId}: ${headline(story)}`], requestLines(story), answerLines(story), featureLines(story), outcomeLines(story), traceLines(story)];
  return parts.filter((lines) => lines.length > 0).map((lines) => lines.join('\n')).join('\n\n');
}

function headline({ state, outcome, answer }: Story): string {
  if (state === 'awaited') return 'an outcome has come, the prediction has not';
  if (state === 'rejected') return 'rejected';
  const how = answer?.fallback === undefined ? 'scored' : 'answered by a fallback';
  if (outcome === null || outcome === undefined) return `${how}, its outcome is not known yet`;
  return `${how}, ${outcome.correct === undefined ? 'its outcome is known' : outcome.correct ? 'and right' : 'and wrong'}`;
}

function requestLines({ request }: Story): string[] {
  if (request === undefined) return [];
  const { source, id, lane, team, routingKey, entities, occurredAt, requestedAt, coordinates, attempt } = request;
  return [
    `Asked by ${source} as ${id}${team === undefined ? '' : ` for team ${team}`}`,
    ...field('event time', occurredAt), ...field('received', `${requestedAt} on the ${lane} lane${coordinates === undefined ? '' : ` (${coordinates})`}`),
    ...field('entities', entities && Object.entries(entities).map(([role, entity]) => `${role} ${entity}`).join(', ')), ...field('routing key', routingKey), ...field('attempt', attempt === 0 ? undefined : attempt),
  ];
}

/** In the order in which they pass; what is not known here comes last. */
function rankOf(stage: string): number {
  const rank = [...STAGES, 'total'].indexOf(stage);
  return rank === -1 ? Number.POSITIVE_INFINITY : rank;
}

function answerLines({ answer, rejection, shadows }: Story): string[] {
  if (rejection !== undefined) return [`Rejected: ${rejection.code}`, ...field('reason', rejection.reason), ...field('cure', rejection.cure), ...field('model', rejection.model), ...field('at', rejection.answeredAt)];
  if (answer === undefined) return [];
  const timings = Object.entries(answer.timingsMs ?? {}).sort(([a], [b]) => rankOf(a) - rankOf(b)).map(([stage, ms]) => `${stage} ${ms} ms`).join(', ');
  return [
    `Answered by ${answer.model} version ${answer.version} as ${answer.role} (assignment revision ${answer.assignmentRevision})`,
    ...field('score', answer.score === undefined ? undefined : `${answer.score}${answer.threshold === undefined ? '' : ` (${answer.score >= answer.threshold ? 'at or above' : 'below'} the threshold ${answer.threshold})`}`),
    ...field('outputs', JSON.stringify(answer.outputs)), ...field('fallback', answer.fallback && `${answer.fallback.kind}, instead of ${answer.fallback.reason}`),
    ...field('at', `${answer.answeredAt} by ${answer.worker}, in a batch of ${answer.batchSize}`), ...field('timings', timings === '' ? undefined : timings),
    ...field('artifact', answer.artifactSha256), ...field('runtime', answer.runtime), ...(shadows ?? []).flatMap(({ version, score }) => field('shadow', `version ${version} would have said ${score}`)),
  ];
}

function featureLines({ features }: Story): string[] {
  if (features === undefined) return [];
  if (features.length === 0) return ['Features as used: none'];
  const width = Math.max(...features.map(({ name }) => name.length));
  return ['Features as used', ...features.map(({ name, value, view, entityRole, ageSeconds, defaulted }) => {
    const notes = [view === undefined ? undefined : `${view} of the ${entityRole}`, ageSeconds === undefined ? undefined : age(ageSeconds), defaulted === true ? 'a default' : undefined].filter((note) => note !== undefined);
    return `  ${name.padEnd(width)}  ${value === null ? 'missing' : String(value)}${notes.length === 0 ? '' : `  (${notes.join(', ')})`}`;
  })];
}

/** What was served late may have been computed from events after the request's own time. */
const age = (seconds: number): string => (seconds < 0 ? `${duration(-seconds)} newer than the request` : `${duration(seconds)} old`);

function outcomeLines({ outcome, outcomes }: Story): string[] {
  if (outcomes.length === 0) return [];
  const known = outcome === null || outcome === undefined ? ['Outcome: not joined'] : [
    `Outcome: ${JSON.stringify(outcome.value)} after ${duration(outcome.delaySeconds)}`, ...field('error', outcome.error), ...field('decision', outcome.correct === undefined ? undefined : outcome.correct ? 'right' : 'wrong'),
  ];
  return [...known, ...outcomes.map(({ value, source, sequence, occurredAt, receivedAt, holds }) => `  ${holds ? '*' : ' '} ${JSON.stringify(value)} said ${source} (sequence ${sequence}), true at ${occurredAt}, received ${receivedAt}`)];
}

const traceLines = ({ trace }: Story): string[] => (trace === null || trace === undefined ? [] : [`Trace ${trace.traceId}${trace.sampled ? '' : ' (not sampled)'}`]);

const LABEL_WIDTH = 13;
const field = (label: string, value: string | number | undefined): string[] => (value === undefined ? [] : [`  ${label.padEnd(LABEL_WIDTH)}${value}`]);

const UNITS = [['d', 86_400], ['h', 3600], ['min', 60]] as const;

/** Seconds in the largest unit that leaves at least two of it. */
export function duration(seconds: number): string {
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= 2 * length) ?? ['s', 1];
  return `${Number((seconds / size).toFixed(1))} ${unit}`;
}
