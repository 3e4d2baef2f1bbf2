import { duration } from './duration.js';
import { smallMoney } from '../money-text.js';
import type { Story } from './resources.js';
import { stageBars } from './stage-bars.js';

/** The story as a person reads it, in the order in which it happened. */
export function renderStory(story: Story): string {
  const parts = [[`Prediction ${story.predictionId}: ${headline(story)}`], requestLines(story), answerLines(story), whyLines(story), stageLines(story), featureLines(story), outcomeLines(story), moneyLines(story), sinceLines(story), expiryLines(story), traceLines(story)];
  return parts.filter((lines) => lines.length > 0).map((lines) => lines.join('\n')).join('\n\n');
}

/** Rows leave with their day. One that is gone while its day was never dropped is a loss, and is not to be read as age. */
const hasVanished = ({ state, expiredAt }: Story): boolean => state === 'expired' && (expiredAt === null || expiredAt === undefined);

function headline(story: Story): string {
  const { state, outcome, answer } = story;
  if (state === 'awaited') return 'an outcome has come, the prediction has not';
  if (hasVanished(story)) return 'its row has vanished';
  if (state === 'expired') return 'kept no longer';
  if (state === 'rejected') return 'rejected';
  const how = answer?.fallback === undefined ? 'scored' : 'answered by a fallback';
  if (outcome === null || outcome === undefined) return `${how}, its outcome is not known yet`;
  if (outcome.correct === undefined) return `${how}, its outcome is ${outcome.assumed === true ? 'assumed' : 'known'}`;
  return `${how}, and ${outcome.correct ? 'right' : 'wrong'}${outcome.assumed === true ? ', as far as is assumed' : ''}`;
}

function requestLines({ request }: Story): string[] {
  if (request === undefined) return [];
  const { source, id, lane, team, routingKey, entities, occurredAt, requestedAt, coordinates, attempt } = request;
  return [
    `Asked by ${source}${id === '' ? ' (the request’s id is withheld or erased)' : ` as ${id}`}${team === undefined ? '' : ` for team ${team}`}`,
    ...field('event time', occurredAt), ...field('received', `${requestedAt} on the ${lane} lane${coordinates === undefined ? '' : ` (${coordinates})`}`),
    ...field('entities', entities && Object.entries(entities).map(([role, entity]) => `${role} ${entity}`).join(', ')), ...field('routing key', routingKey), ...field('attempt', attempt === 0 ? undefined : attempt),
  ];
}

const fallbackText = ({ kind, reason, insteadOf }: { kind: string; reason: string; insteadOf?: string }): string => `${kind}, instead of ${insteadOf === undefined ? reason : `version ${insteadOf} (${reason})`}`;

function answerLines({ answer, rejection, shadows }: Story): string[] {
  if (rejection !== undefined) return [`Rejected: ${rejection.code}`, ...field('reason', rejection.reason), ...field('cure', rejection.cure), ...field('model', rejection.model && `${rejection.model}${rejection.version === undefined ? '' : ` version ${rejection.version}`}`), ...field('at', rejection.answeredAt)];
  if (answer === undefined) return [];
  return [
    `Answered by ${answer.model} version ${answer.version} as ${answer.role} (assignment revision ${answer.assignmentRevision})`,
    ...field('score', answer.score === undefined ? undefined : `${answer.score}${answer.threshold === undefined ? '' : ` (${answer.score >= answer.threshold ? 'at or above' : 'below'} the threshold ${answer.threshold}${answer.decision === undefined ? '' : `: ${answer.decision ? 'yes' : 'no'}`})`}`),
    ...field('outputs', answer.outputs === null ? undefined : JSON.stringify(answer.outputs)), ...field('fallback', answer.fallback && fallbackText(answer.fallback)),
    ...field('at', `${answer.answeredAt} by ${answer.worker}, in a batch of ${answer.batchSize}`),
    ...field('artifact', answer.artifactSha256), ...field('runtime', answer.runtime), ...(shadows ?? []).flatMap(({ version, score }) => field('shadow', `version ${version} would have said ${score}`)),
  ];
}

function whyLines({ why }: Story): string[] {
  if (why === undefined) return [];
  const { explanation, propensity, decidedAt, decidedBy, reason } = why;
  const decided = decidedAt === undefined ? undefined : `${decidedAt}${decidedBy === undefined ? '' : ` by ${decidedBy}`}${reason === undefined ? '' : `: ${reason}`}`;
  return ['Why that version', `  ${explanation}`, ...field('decided', decided), ...field('its chance', propensity === 1 ? undefined : `${Number((propensity * 100).toFixed(2))} % of such requests`)];
}

function stageLines({ stages = [] }: Story): string[] {
  const bars = stageBars(stages);
  return bars.length === 0 ? [] : ['What it took', ...bars];
}

function featureLines({ features, values, erasedAt }: Story): string[] {
  if (values === 'erased') return [`Features as used: erased${erasedAt === undefined ? '' : ` at ${erasedAt}`}`];
  if (values === 'expired') return ['Features as used: kept no longer'];
  if (features === undefined) return [];
  if (features.length === 0) return ['Features as used: none'];
  const width = Math.max(...features.map(({ name }) => name.length));
  return [`Features as used${values === 'withheld' ? ' (some are withheld for privacy)' : ''}`, ...features.map(({ name, value, view, entityRole, ageSeconds, defaulted }) => {
    const notes = [view === undefined ? undefined : `${view} of the ${entityRole}`, ageSeconds === undefined ? undefined : age(ageSeconds), defaulted === true ? 'a default' : undefined].filter((note) => note !== undefined);
    return `  ${name.padEnd(width)}  ${value === null ? (values === 'withheld' ? 'withheld' : 'missing') : String(value)}${notes.length === 0 ? '' : `  (${notes.join(', ')})`}`;
  })];
}

/** What was served late may have been computed from events after the request's own time. */
const age = (seconds: number): string => (seconds < 0 ? `${duration(-seconds)} newer than the request` : `${duration(seconds)} old`);

function outcomeLines({ outcome, outcomes }: Story): string[] {
  if (outcomes.length === 0 && (outcome === null || outcome === undefined)) return [];
  const known = outcome === null || outcome === undefined ? ['Outcome: not joined'] : [
    `Outcome: ${JSON.stringify(outcome.value)} after ${duration(outcome.delaySeconds)}${outcome.assumed === true ? ', assumed: none came by its maturity' : ''}`,
    ...field('as sent', outcome.observed === undefined ? undefined : JSON.stringify(outcome.observed)), ...field('error', outcome.error), ...field('decision', outcome.correct === undefined ? undefined : outcome.correct ? 'right' : 'wrong'),
  ];
  return [...known, ...outcomes.map(({ value, source, sequence, occurredAt, receivedAt, holds }) => `  ${holds ? '*' : ' '} ${JSON.stringify(value)} said ${source} (sequence ${sequence}), true at ${occurredAt}, received ${receivedAt}`)];
}

function moneyLines({ money }: Story): string[] {
  if (money === undefined) return [];
  const { computeMicroUsd, featuresMicroUsd, storageMicroUsd, totalMicroUsd, valueMicroUsd, netMicroUsd } = money;
  const shares = `${computeMicroUsd === null ? 'compute not measured' : `compute ${smallMoney(computeMicroUsd)}`}, features ${smallMoney(featuresMicroUsd)}, storage ${smallMoney(storageMicroUsd)}`;
  const earned = valueMicroUsd === null || netMicroUsd === null ? 'not known' : `${smallMoney(valueMicroUsd)} (net ${smallMoney(netMicroUsd)})`;
  return ['Money', ...field('cost', `${smallMoney(totalMicroUsd)}, an estimate: ${shares}`), ...field('earned', earned)];
}

const NOW: Readonly<Record<string, string>> = {
  champion: 'is the champion', challenger: 'is a challenger', shadow: 'is asked as a shadow', standby: 'is kept warm without traffic', fallback: 'stands by as a fallback', none: 'does not serve', unknown: 'has a role that is not known',
};

function sinceLines({ since, answer, rejection }: Story): string[] {
  if (since === undefined) return [];
  const version = answer?.version ?? rejection?.version;
  const now = version === undefined ? '' : `: version ${version} ${NOW[since.versionNow] ?? since.versionNow}${since.currentRevision === undefined ? '' : ` (revision ${since.currentRevision} now)`}`;
  const changes = since.changes.map(({ at, text, by, reason }) => `  ${at}  ${text}${by === undefined ? '' : `, by ${by}`}${reason === undefined ? '' : `: ${reason}`}`);
  return [`Since then${now}`, ...(since.omitted === 0 ? [] : [`  … ${since.omitted} earlier changes`]), ...(changes.length === 0 ? ['  nothing has changed'] : changes)];
}

function expiryLines(story: Story): string[] {
  const { state, day, expiredAt, archive = [] } = story;
  if (state !== 'expired') return [];
  const whichDay = day === undefined ? 'Its day' : `Its day, ${day},`;
  if (hasVanished(story)) return [`${whichDay} is still in the ledger: retention has not dropped it`, '  something else has removed the row; `npx throughline audit` says how many, docs/ledger.md (When something is wrong) what to do'];
  return [`${whichDay} has left the ledger at ${expiredAt}`, ...(archive.length === 0 ? ['  there is no archive of it'] : archive.map((path) => `  archived in ${path}`))];
}

const traceLines = ({ trace }: Story): string[] => (trace === null || trace === undefined ? [] : [`Trace ${trace.traceId}${trace.sampled === true ? '' : ' (not sampled)'}`]);

const LABEL_WIDTH = 13;
const field = (label: string, value: string | number | undefined): string[] => (value === undefined ? [] : [`  ${label.padEnd(LABEL_WIDTH)}${value}`]);
