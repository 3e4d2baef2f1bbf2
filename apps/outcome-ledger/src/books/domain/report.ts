import { ELSEWHERE, kindOf, OVER_HTTP, type TopicKind } from './places.js';
import type { Covered, Span } from './spans.js';

/** Rows of the ledger of one topic and hour: what was written down, and what is there now. */
export interface RowCount {
  readonly topic: string;
  readonly hourMs: number;
  /** How the request ended; of outcomes, what became of them. */
  readonly state: RowState;
  readonly count: number;
}
export type RowState = 'scored' | 'fallback' | 'rejected' | 'joined' | 'superseded' | 'pending' | 'ofRejected' | 'unjoined';

/** Rows written down and rows there, over all states: what is fewer has vanished. */
export interface RowBalance {
  readonly topic: string;
  readonly hourMs: number;
  readonly recorded: number;
  readonly counted: number;
}

/** What happened to the messages of a topic in an hour, or in a period. */
export interface Account {
  /** On Kafka; null where no topic says how many there were (HTTP), or Kafka has part of the hour no more. */
  readonly messages: number | null;
  /** Requests by how they ended: rows of the ledger. */
  readonly scored: number;
  readonly fallback: number;
  readonly rejected: number;
  /** Answers that the ledger has taken in. */
  readonly recorded: number;
  /** Outcomes: the one that holds, */
  readonly joined: number;
  /** overtaken by another statement, */
  readonly superseded: number;
  /** kept until their prediction shows up, */
  readonly pending: number;
  /** or about a rejected request. */
  readonly ofRejected: number;
  /** Messages that said again what was known, and replays that were meant for others. */
  readonly copies: number;
  /** Given up, and kept as dead letters. */
  readonly deadLetters: number;
  readonly inFlight: number;
  /** Nobody is at work on them any more, and they are nowhere. */
  readonly missing: number;
  /** Rows that were written down and are there no more; of outcomes also those whose join is not there. */
  readonly vanished: number;
  /** Rows that are there and that nobody wrote down. */
  readonly unrecorded: number;
}

export type AccountKind = TopicKind | 'http' | 'elsewhere';

export interface HourAccount extends Account {
  readonly topic: string;
  readonly kind: AccountKind;
  /** Beginning of the hour of the Kafka timestamp (of receipt over HTTP), RFC 3339. */
  readonly hour: string;
}

export interface Judged {
  readonly span: Span;
  readonly covered: Covered;
}

const NONE: Account = { messages: 0, scored: 0, fallback: 0, rejected: 0, recorded: 0, joined: 0, superseded: 0, pending: 0, ofRejected: 0, copies: 0, deadLetters: 0, inFlight: 0, missing: 0, vanished: 0, unrecorded: 0 };
type Counts = { -readonly [K in keyof Account]: Account[K] };

/** Nothing is lost: not on the way, and not from the ledger. */
export const balances = ({ missing, vanished, unrecorded }: Pick<Account, 'missing' | 'vanished' | 'unrecorded'>): boolean => missing === 0 && vanished === 0 && unrecorded === 0;

export interface Evidence {
  readonly judged: readonly Judged[];
  readonly rows: readonly RowCount[];
  readonly balances: readonly RowBalance[];
  /** `topic/hourMs` of hours of which Kafka has deleted messages, or may have. */
  readonly cutHours: ReadonlySet<string>;
}

export const hourKey = (topic: string, hourMs: number): string => `${topic}/${hourMs}`;

/** One account a topic and hour, by topic and then time. Of every message that is on Kafka: messages = handled + in flight + missing. */
export function hourAccounts({ judged, rows, balances: rowBalances, cutHours }: Evidence): HourAccount[] {
  const accounts = new Map<string, { topic: string; hourMs: number; counts: Counts; handled: number; rows: number }>();
  const accountOf = (topic: string, hourMs: number) => {
    const key = hourKey(topic, hourMs);
    let account = accounts.get(key);
    if (account === undefined) accounts.set(key, (account = { topic, hourMs, counts: { ...NONE }, handled: 0, rows: 0 }));
    return account;
  };
  for (const { span, covered } of judged) {
    if (span.hourMs === undefined) continue;
    const account = accountOf(span.topic, span.hourMs);
    const size = span.to - span.from;
    account.handled += covered.handled;
    account.counts.messages = (account.counts.messages ?? 0) + size;
    account.counts.deadLetters += covered.deadLetters;
    account.counts[span.kind === 'settled' ? 'missing' : 'inFlight'] += size - covered.handled;
  }
  for (const { topic, hourMs, state, count } of rows) {
    const { counts } = accountOf(topic, hourMs);
    if (state === 'unjoined') counts.vanished += count;
    else counts[state] += count;
  }
  for (const { topic, hourMs, recorded, counted } of rowBalances) {
    const account = accountOf(topic, hourMs);
    account.rows += recorded;
    account.counts.vanished += Math.max(0, recorded - counted);
    account.counts.unrecorded += Math.max(0, counted - recorded);
  }
  return [...accounts.values()].map(({ topic, hourMs, counts, handled, rows: recorded }) => close(topic, hourMs, counts, handled, recorded, cutHours.has(hourKey(topic, hourMs)))).sort(byTopicAndHour);
}

function close(topic: string, hourMs: number, counts: Counts, handled: number, rows: number, isCut: boolean): HourAccount {
  const kind = accountKind(topic);
  const account = { topic, kind, hour: new Date(hourMs).toISOString(), ...counts };
  if (kind === 'answers') return { ...account, recorded: handled - counts.deadLetters, messages: isCut ? null : counts.messages };
  if (kind === 'http' || kind === 'elsewhere' || isCut) return { ...account, messages: null };
  return { ...account, copies: Math.max(0, handled - counts.deadLetters - rows) };
}

const accountKind = (topic: string): AccountKind => kindOf(topic) ?? (topic === OVER_HTTP ? OVER_HTTP : ELSEWHERE);
const byTopicAndHour = (a: HourAccount, b: HourAccount): number => (a.topic === b.topic ? a.hour.localeCompare(b.hour) : a.topic < b.topic ? -1 : 1);

export interface TopicAccount extends Account {
  readonly topic: string;
  readonly kind: AccountKind;
  /** Messages of any time that Kafka has no more and the ledger never had: nobody can tell what they were. */
  readonly unverifiable: number;
}

/** The hours of each topic together. `messages` is null when that of an hour is. */
export function topicAccounts(hours: readonly HourAccount[], unverifiable: ReadonlyMap<string, number>): TopicAccount[] {
  const topics = Map.groupBy(hours, ({ topic }) => topic);
  const absent = [...unverifiable].filter(([topic, count]) => count > 0 && !topics.has(topic)).map(([topic]) => topic);
  return [...topics.keys(), ...absent].sort().map((topic) => {
    const sum = (topics.get(topic) ?? []).reduce<Counts>(add, { ...NONE });
    return { topic, kind: accountKind(topic), ...sum, unverifiable: unverifiable.get(topic) ?? 0 };
  });
}

function add(sum: Counts, one: Account): Counts {
  const numbers = Object.keys(NONE).filter((name): name is Exclude<keyof Account, 'messages'> => name !== 'messages');
  for (const name of numbers) sum[name] += one[name];
  sum.messages = sum.messages === null || one.messages === null ? null : sum.messages + one.messages;
  return sum;
}
