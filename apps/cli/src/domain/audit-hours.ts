/** The ledger's books by topic and hour, as it serves them (`GET /ledger/v1/books`). */
export interface HourlyBooks {
  readonly from: string;
  readonly to: string;
  readonly checkedAt: string;
  readonly balanced: boolean;
  readonly total: { readonly inFlight: number; readonly missing: number; readonly vanished: number; readonly unrecorded: number };
  readonly topics: readonly (Account & { readonly unverifiable: number })[];
  readonly hours: readonly (Account & { readonly hour: string })[];
  readonly missing: readonly { readonly topic: string; readonly partition: number; readonly from: number; readonly to: number; readonly hour?: string }[];
}

const MEASURES = ['scored', 'fallback', 'rejected', 'recorded', 'joined', 'superseded', 'pending', 'ofRejected', 'copies', 'deadLetters', 'inFlight', 'missing', 'vanished', 'unrecorded'] as const;
type Measure = (typeof MEASURES)[number];
type Account = { readonly topic: string; readonly kind: 'requests' | 'answers' | 'outcomes' | 'http' | 'elsewhere'; readonly messages: number | null } & Readonly<Record<Measure, number>>;
type Row = readonly (string | number)[];

const HEADINGS: Readonly<Record<Measure, string>> = {
  scored: 'scored', fallback: 'fallback', rejected: 'rejected', recorded: 'recorded', joined: 'joined', superseded: 'overtaken', pending: 'pending', ofRejected: 'of rejected',
  copies: 'copies', deadLetters: 'dead letters', inFlight: 'in flight', missing: 'missing', vanished: 'vanished', unrecorded: 'unrecorded',
};
const TABLES: readonly { readonly title: string; readonly kinds: readonly Account['kind'][]; readonly columns: readonly Measure[] }[] = [
  { title: 'Requests', kinds: ['requests', 'http', 'elsewhere'], columns: ['scored', 'fallback', 'rejected', 'copies', 'inFlight', 'missing', 'vanished'] },
  { title: 'Answers', kinds: ['answers'], columns: ['recorded', 'deadLetters', 'inFlight', 'missing'] },
  { title: 'Outcomes', kinds: ['outcomes'], columns: ['joined', 'superseded', 'pending', 'ofRejected', 'copies', 'deadLetters', 'inFlight', 'missing', 'vanished'] },
];

/** One table for requests, answers and outcomes each: a line a topic and hour in which something was, and one for their sum. */
export function hourTables({ hours, topics }: HourlyBooks): Row[][] {
  return TABLES.flatMap(({ title, kinds, columns }) => {
    const shown = columns.concat(topics.some(({ kind, unrecorded }) => kinds.includes(kind) && unrecorded > 0) ? ['unrecorded'] : []);
    const line = (account: Account, hour: string): Row => [account.topic, hour, account.messages ?? '', ...shown.map((measure) => account[measure])];
    const rows = topics.filter(({ kind }) => kinds.includes(kind)).flatMap((topic) => {
      const own = hours.filter((hour) => hour.topic === topic.topic && isSomething(hour));
      return [...own.map((hour) => line(hour, hour.hour.slice(0, 16))), ...(own.length > 1 ? [line(topic, 'in all')] : [])];
    });
    return rows.length === 0 ? [] : [[[title, 'hour (UTC)', 'messages', ...shown.map((measure) => HEADINGS[measure])], ...rows]];
  });
}

const isSomething = (account: Account): boolean => account.messages !== 0 && account.messages !== null || MEASURES.some((measure) => account[measure] > 0);

/** The verdict, and what to know beside it, a sentence a line. @param isDeep whether every request is asked for by its id as well */
export function hourSentences({ from, to, balanced, total, topics, hours, missing }: HourlyBooks, isDeep = false): string[] {
  const unverifiable = topics.filter((topic) => topic.unverifiable > 0).map((topic) => `${topic.unverifiable.toLocaleString('en-US')} of ${topic.topic}`);
  const wrong = [`${total.missing.toLocaleString('en-US')} missing`, `${total.vanished.toLocaleString('en-US')} vanished`, ...(total.unrecorded > 0 ? [`${total.unrecorded.toLocaleString('en-US')} unrecorded`] : [])];
  const byId = isDeep ? '' : '; `npx throughline audit --deep` names each by its id';
  return [
    ...missing.slice(0, LISTED).map(({ topic, partition, from: first, to: end, hour }) => `Missing: ${topic}/${partition}/${first}${end - first > 1 ? ` to ${end - 1}` : ''}${hour === undefined ? '' : `, of the hour ${hour.slice(0, 16)}`}`),
    ...(missing.length > LISTED ? ['… and more: --json lists them'] : []),
    ...(unverifiable.length > 0 ? [`Nobody can tell any more what became of messages that Kafka has deleted and the ledger never had: ${unverifiable.join(', ')}.`] : []),
    ...(hours.some(isSomething) ? [] : [`Nothing was asked, answered or observed from ${from.slice(0, 16)} until ${to.slice(0, 16)}: hours are when messages reached Kafka, whatever their event times.`]),
    balanced ? 'The books balance.' : `The books do not balance: ${wrong.join(', ')}${byId}. What to do: docs/ledger.md, “When something is wrong”.`,
  ];
}

const LISTED = 20;
