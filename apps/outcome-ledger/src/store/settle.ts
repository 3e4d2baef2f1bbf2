import { encodeDeadLetter, type OutgoingMessage } from '@throughline/bus';
import { encodeEvent } from '@throughline/contracts';
import { Outbox } from '@throughline/db';
import { formatTraceparent } from '@throughline/telemetry';
import type { EntityManager } from 'typeorm';
import { decideJoin, joinAsTold, joinEventData, joinEventId, retoldEventId, type Join, type JoinedRef, type PredictionFacts, type Reading, type ShadowFacts } from '../domain/joining.js';
import type { OutcomeRecord } from '../domain/outcome.js';
import { truthNumber } from '../outcomes/domain/declaration.js';
import { spendingOfJoin } from '../costs/domain/spending.js';
import { countOf, type BookEntry } from '../domain/tally.js';
import { enterInBooks } from '../books/entries.js';
import { markUnfit, removeOutcomes } from './outcome-rows.js';
import { insertRows, timestamp } from './rows.js';
import type { ServedVersions } from './served-versions.js';
import { loadShadows } from './shadows.js';

export const SOURCE = '/throughline/outcome-ledger';
const GROUP = 'outcome-ledger';

/** A prediction and everything said about it, its key locked. */
export interface Meeting {
  readonly facts: PredictionFacts;
  readonly reading: Reading | undefined;
  readonly outcomes: readonly OutcomeRecord[];
  readonly told: JoinedRef | undefined;
  /** Event time at which its maturity ended, where the model declares what it means that no outcome came. */
  readonly matureAtMs?: number | undefined;
  /** Of the last word on it, where a higher attempt took its join away before. */
  readonly toldRevision?: number | undefined;
  /** Its outcomes came first and nobody has judged them yet: those of the wrong type leave. Those judged before stay, whatever is declared since. */
  readonly isFirst?: boolean;
}

/** Writes what follows from meetings, with what has to be published, in the caller's transaction. */
export async function settle(manager: EntityManager, meetings: readonly Meeting[], servedVersions: Pick<ServedVersions, 'readingOf'>): Promise<{ joins: Join[]; counts: BookEntry[] }> {
  const decisions = meetings.map((meeting) => ({ meeting, ...decideJoin(meeting.facts, meeting.reading, meeting.outcomes, meeting.told, meeting.matureAtMs, meeting.toldRevision) }));
  const joins = decisions.flatMap(({ join }) => (join === undefined ? [] : [join]));
  const misfits = decisions.flatMap(({ meeting, misfits: bad }) => (meeting.isFirst === true ? bad : []));
  await writeJoined(manager, joins);
  await removeOutcomes(manager, misfits.map(({ outcome }) => outcome));
  await markUnfit(manager, decisions.flatMap(({ meeting: { facts, told, outcomes, isFirst }, join }) => (join === undefined && isFirst !== true && outcomes.length > 0 && told?.attempt !== facts.attempt ? [facts] : [])));
  await enterInBooks(manager, { deadLetters: misfits.map(({ outcome }) => outcome.coordinates) });
  const shadows = await loadShadows(manager, joins.map(({ facts }) => facts), servedVersions);
  await Outbox.enqueue(manager, [...joins.map((join) => joinedMessage(join, joinEventId(join), shadows.get(join.facts.predictionId))), ...misfits.map(({ outcome, reason }) => misfitMessage(outcome, reason))]);
  const newlyJoined = decisions.flatMap(({ meeting: { facts, told }, join }) => (join === undefined || told?.attempt === facts.attempt ? [] : [facts]));
  const spending = decisions.flatMap(({ meeting: { facts, told }, join }) => (join === undefined ? [] : [spendingOfJoin(facts, told?.attempt === facts.attempt ? told : undefined, join)]));
  const assumed = decisions.flatMap(({ meeting: { facts, told }, join }) => (join === undefined ? [] : [countOf('assumed', Number(join.assumed) - Number(told?.attempt === facts.attempt && told.assumedAtMs !== undefined), facts)]));
  return { joins, counts: [...newlyJoined.map((facts) => countOf('joined', 1, facts)), ...assumed, countOf('outcomes', -misfits.length), ...spending] };
}

/** Joins that were told before their shadows had come are told anew with them. */
export async function tellAnew(manager: EntityManager, meetings: readonly Meeting[], servedVersions: Pick<ServedVersions, 'readingOf'>): Promise<void> {
  const joins = meetings.flatMap(({ facts, reading, outcomes, told }) => (told === undefined ? [] : (joinAsTold(facts, reading, outcomes, told) ?? [])));
  const shadows = await loadShadows(manager, joins.map(({ facts }) => facts), servedVersions);
  await Outbox.enqueue(manager, joins.map((join) => {
    const said = shadows.get(join.facts.predictionId) ?? [];
    return joinedMessage(join, retoldEventId(join, said.length), said);
  }));
}

const JOINED_COLUMNS = {
  prediction_id: 'uuid', day: 'date', attempt: 'bigint', model: 'text', version: 'text', role: 'text', is_fallback: 'boolean', score: 'double precision', outcome: 'jsonb',
  outcome_number: 'double precision', outcome_source: 'text', outcome_sequence: 'bigint', outcome_occurred_at: 'timestamptz', delay_seconds: 'double precision',
  error: 'double precision', correct: 'boolean', team: 'text', observed: 'jsonb', is_assumed: 'boolean', value_micro_usd: 'double precision', occurred_at: 'timestamptz',
  is_correction: 'boolean', told_as: 'text', revision: 'integer',
} as const;

const SUPERSEDE = `ON CONFLICT (prediction_id, day) DO UPDATE SET joined_at = now(), ${Object.keys(JOINED_COLUMNS)
  .filter((name) => name !== 'prediction_id' && name !== 'day')
  .map((name) => `${name} = excluded.${name}`)
  .join(', ')}`;

/** Writes what holds of each prediction now. @param toldAs how the id under which that is told goes on, where it is not the join's own */
export async function writeJoined(manager: EntityManager, joins: readonly Join[], toldAs: (join: Join) => string | undefined = () => undefined): Promise<void> {
  await insertRows(manager, 'prediction_joined', JOINED_COLUMNS, joins.map((join) => ({ ...joinedRow(join), told_as: toldAs(join) })), SUPERSEDE);
}

const joinedRow = ({ facts, outcome, truth, assumed, correction, revision, delaySeconds, error, correct, valueMicroUsd }: Join): object => ({
  prediction_id: facts.predictionId, day: facts.day, attempt: facts.attempt, model: facts.model, version: facts.version, role: facts.role,
  is_fallback: facts.fallback !== undefined, score: facts.score, outcome: truth, outcome_number: truthNumber(truth), outcome_source: outcome.source,
  outcome_sequence: outcome.sequence, outcome_occurred_at: timestamp(outcome.occurredAtMs), delay_seconds: delaySeconds, error, correct, team: facts.team,
  observed: truth === outcome.value ? undefined : outcome.value, is_assumed: assumed, value_micro_usd: valueMicroUsd, occurred_at: timestamp(facts.occurredAtMs), is_correction: correction, revision,
});

export function joinedMessage(join: Join, id: string, shadows: readonly ShadowFacts[] | undefined): OutgoingMessage {
  const { facts, outcome } = join;
  const traceparent = facts.trace === undefined ? undefined : formatTraceparent(facts.trace);
  const event = { id, source: SOURCE, timeMs: outcome.occurredAtMs, data: joinEventData(join, shadows), traceparent };
  return { topic: 'outcome.joined.v1', key: facts.predictionId, ...encodeEvent('outcome.joined.v1', event) };
}

/** Its message is long gone from the batch, so the dead letter is written anew from the row: the same data under the same identity. */
export function misfitMessage(outcome: OutcomeRecord, reason: string): OutgoingMessage {
  const data = {
    predictionId: outcome.subjectId, value: outcome.value, source: outcome.source, sequence: outcome.sequence, occurredAt: timestamp(outcome.occurredAtMs),
    ...(outcome.observedAtMs === undefined ? {} : { observedAt: timestamp(outcome.observedAtMs) }),
  };
  const traceparent = outcome.trace === undefined ? undefined : formatTraceparent(outcome.trace);
  const { value, headers } = encodeEvent('outcome.observed.v1', { id: outcome.eventId, source: outcome.eventSource, timeMs: outcome.occurredAtMs, data, traceparent });
  const [topic, partition, offset] = outcome.coordinates.split('/') as [string, string, string];
  const original = { topic, partition: Number(partition), offset, timestampMs: outcome.receivedAtMs, key: Buffer.from(outcome.subjectId), value: Buffer.from(value), headers };
  return encodeDeadLetter({ code: 'outcome_wrong_type', reason, attempts: 1, group: GROUP, original });
}
