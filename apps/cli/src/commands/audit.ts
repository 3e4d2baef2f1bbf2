import { setTimeout as pause } from 'node:timers/promises';
import { createBus, type BusAdmin } from '@throughline/bus';
import { decodeEvent, predictionId, type TopicName, type WireMessage } from '@throughline/contracts';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.js';
import { CLIENT } from '../client.js';
import { readConfig, type CliConfig } from '../config.js';
import { balances, enter, NO_BOOKS, type Books, type LedgerState, type Positions, type Request } from '../domain/audit-books.js';
import { ask, jsonBody } from '../http.js';
import { Progress, table } from '../terminal.js';

const REQUEST_TOPICS = ['prediction.requested.v1', 'prediction.requested.batch.v1'] as const;
const ANSWER_TOPICS = ['prediction.scored.v1', 'prediction.rejected.v1'] as const;
const WORKERS = 'inference-worker';
const LEDGER = 'outcome-ledger';
/** What the ledger takes in one question. */
const IDS_A_QUESTION = 5000;
const POLL_MS = 200;

/** Counts of the ledger that an audit shows beside the requests'. */
interface Outcomes {
  readonly outcomes: number;
  readonly joined: number;
  readonly pending: number;
  readonly unmatched: number;
}

export interface AuditReport extends Books {
  readonly balanced: boolean;
  readonly outcomes: Outcomes;
}

export function auditCommand(program: Command): void {
  program
    .command('audit')
    .description('Balance the books: every request on Kafka ended as scored, fallback or rejected in the ledger, or is in flight')
    .option('--settle <seconds>', 'how long to wait for what is in flight', wholeNumber, 10)
    .option('--json', 'print the report as JSON')
    .addHelpText('after', `
Reads the request topics up to the end they have now, computes each request's prediction id and asks the ledger how it ended. A request the ledger does not know
is in flight while the workers have not committed it or the ledger has not taken in all answers; else it is missing, and listed with its place on Kafka.
Exit code 0: the books balance; 1: something is missing.

Examples:
  npx throughline audit
  npx throughline audit --settle 30 --json`)
    .action(async ({ settle, json }: { settle: number; json?: boolean }) => {
      const report = await audit(readConfig(process.env), settle * 1000, new Progress());
      process.stdout.write(`${json === true ? JSON.stringify(report, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value), 2) : render(report)}\n`);
      process.exitCode = report.balanced ? 0 : 1;
    });
}

export async function audit(config: CliConfig, settleMs: number, progress: Progress): Promise<AuditReport> {
  const bus = createBus(config, CLIENT);
  try {
    const ends = await endsOf(bus.admin, REQUEST_TOPICS);
    const positions = await settled(bus.admin, ends, Date.now() + settleMs, progress);
    let books = NO_BOOKS;
    for (const topic of REQUEST_TOPICS) books = await readTopic(bus.admin, topic, ends, books, (requests) => statesOf(config, requests), positions, progress);
    const { outcomes, joined, pending, unmatched } = await ask<Outcomes>(`${config.LEDGER_URL}/ledger/v1/summary`);
    return { balanced: balances(books), ...books, outcomes: { outcomes, joined, pending, unmatched } };
  } finally {
    progress.end();
    await bus.close();
  }
}

type Offsets = ReadonlyMap<string, bigint>;

/** Ends of topics, by `topic/partition`. */
async function endsOf(admin: BusAdmin, topics: readonly TopicName[]): Promise<Map<string, bigint>> {
  const perTopic = await Promise.all(topics.map(async (topic) => (await admin.offsets(topic)).map(({ partition, high }) => [`${topic}/${partition}`, high] as const)));
  return new Map(perTopic.flat());
}

async function committedOf(admin: BusAdmin, topics: readonly TopicName[], group: string): Promise<Map<string, bigint>> {
  const perTopic = await Promise.all(topics.map(async (topic) => (await admin.offsets(topic, group)).map(({ partition, low, committed }) => [`${topic}/${partition}`, committed ?? low] as const)));
  return new Map(perTopic.flat());
}

const reached = (positions: Offsets, ends: Offsets): boolean => [...ends].every(([partition, end]) => (positions.get(partition) ?? 0n) >= end);

/**
 * Waits until the workers have answered everything up to `ends`, and then until the ledger has taken in all answers that exist at that
 * moment; or until the deadline. Both targets stand still, so traffic that goes on does not keep them out of reach.
 */
async function settled(admin: BusAdmin, ends: Offsets, deadlineMs: number, progress: Progress): Promise<Positions> {
  const until = async (topics: readonly TopicName[], group: string, target: Offsets): Promise<Offsets> => {
    for (;;) {
      const committed = await committedOf(admin, topics, group);
      if (reached(committed, target) || Date.now() >= deadlineMs) return committed;
      progress.update(`waiting for the ${group}, ${Math.ceil((deadlineMs - Date.now()) / 1000)} s at most`);
      await pause(POLL_MS);
    }
  };
  const answered = await until(REQUEST_TOPICS, WORKERS, ends);
  const answers = await endsOf(admin, ANSWER_TOPICS);
  return { answered, isLedgerCaughtUp: reached(await until(ANSWER_TOPICS, LEDGER, answers), answers) };
}

async function readTopic(
  admin: BusAdmin, topic: (typeof REQUEST_TOPICS)[number], ends: Offsets, before: Books,
  states: (requests: readonly Request[]) => Promise<Record<string, LedgerState>>, positions: Positions, progress: Progress,
): Promise<Books> {
  let books = before;
  let waiting: Request[] = [];
  const enterSome = async (count: number): Promise<void> => {
    const requests = waiting.slice(0, count);
    waiting = waiting.slice(count);
    const known = await states(requests);
    books = enter(books, requests, known, positions);
    progress.update(`${books.requests.toLocaleString('en-US')} requests read`);
  };
  // The partitions' batches arrive side by side; the books are entered one question after the other.
  let entering: Promise<void> = Promise.resolve();
  await admin.scan(topic, (messages) => {
    waiting.push(...messages.filter(({ partition, offset }) => BigInt(offset) < (ends.get(`${topic}/${partition}`) ?? 0n)).map((message) => requestOf(topic, message)));
    entering = entering.then(async () => {
      while (waiting.length >= IDS_A_QUESTION) await enterSome(IDS_A_QUESTION);
    });
    return entering;
  });
  await entering;
  while (waiting.length > 0) await enterSome(IDS_A_QUESTION);
  return books;
}

function requestOf(topic: (typeof REQUEST_TOPICS)[number], message: WireMessage): Request {
  const { source, id } = decodeEvent(topic, message);
  return { predictionId: predictionId(source, id), source, id, topic, partition: message.partition, offset: BigInt(message.offset) };
}

async function statesOf({ LEDGER_URL: ledger }: CliConfig, requests: readonly Request[]): Promise<Record<string, LedgerState>> {
  const ids = requests.map((request) => request.predictionId);
  return (await ask<{ states: Record<string, LedgerState> }>(`${ledger}/ledger/v1/books`, jsonBody('POST', { ids }))).states;
}

function render({ balanced, missingRequests, outcomes, ...books }: AuditReport): string {
  const lines = [
    table([['Requests on Kafka', books.requests], ['  scored', books.scored], ['  fallback', books.fallback], ['  rejected', books.rejected], ['  in flight', books.inFlight], ['  missing', books.missing],
      ['Outcomes in the ledger', outcomes.outcomes], ['  predictions joined', outcomes.joined], ['  predictions pending', outcomes.pending], ['  outcomes unmatched', outcomes.unmatched]]),
    '', balanced ? 'The books balance.' : `The books do not balance: ${books.missing} missing.`,
  ];
  if (missingRequests.length > 0) {
    lines.push('', table([['prediction', 'place on Kafka', 'source', 'id'], ...missingRequests.map(({ predictionId: id, topic, partition, offset, source, id: requestId }) => [id, `${topic}/${partition}/${offset}`, source, requestId])]));
  }
  if (missingRequests.length < books.missing) lines.push(`… and ${books.missing - missingRequests.length} more`);
  return lines.join('\n');
}
