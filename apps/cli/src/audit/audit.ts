import { baseTopicOf, createBus, isOwnTopicOf, type AnyTopic, type BusAdmin } from '@throughline/bus/client';
import { ContractError, decodeEvent, predictionId, type WireMessage } from '@throughline/contracts';
import { CLIENT } from '../client.js';
import type { CliConfig } from '../config.js';
import { balances, enter, NO_BOOKS, type Books, type LedgerState, type Positions, type Request } from '../domain/audit-books.js';
import { ask, jsonBody } from '../http.js';
import type { Progress } from '../terminal.js';
import { endsOf, reached, settled, type Offsets } from './positions.js';

const REQUEST_TOPICS = ['prediction.requested.v1', 'prediction.requested.batch.v1'] as const;
type RequestTopic = AnyTopic<(typeof REQUEST_TOPICS)[number]>;
const ANSWER_TOPICS = ['prediction.scored.v1', 'prediction.rejected.v1'] as const;
/** What the ledger takes in one question. */
const IDS_A_QUESTION = 5000;
/** How answers are encoded: to look for it is cheaper than to read those of the other lanes. */
const OVER_HTTP = Buffer.from('"lane":"http"');

/** Counts of the ledger that an audit shows beside the requests'. */
interface Outcomes {
  readonly outcomes: number;
  readonly joined: number;
  readonly pending: number;
  readonly unmatched: number;
}

export interface AuditReport extends Books {
  readonly balanced: boolean;
  /** Of the requests, those that came over HTTP: known by their answers. */
  readonly http: number;
  /** Topics of requests that were read. */
  readonly topics: readonly string[];
  readonly outcomes: Outcomes;
}

export async function audit(config: CliConfig, settleMs: number, progress: Progress): Promise<AuditReport> {
  const bus = createBus(config, CLIENT);
  try {
    const topics: readonly RequestTopic[] = [...REQUEST_TOPICS, ...(await ownTopics(bus.admin))];
    const ends = await endsOf(bus.admin, topics);
    const { answered, answers, recorded } = await settled(bus.admin, { requests: topics, answers: ANSWER_TOPICS }, ends, Date.now() + settleMs, progress);
    const entering = new Entering(config, progress);
    const positions = { answered, isLedgerCaughtUp: reached(recorded, answers) };
    for (const topic of topics) await entering.read(bus.admin, topic, ends, positions, requestOf);
    const onTopics = entering.books.requests;
    // What is on record came before it was recorded: the ledger alone decides how far that must be known.
    for (const topic of ANSWER_TOPICS) await entering.read(bus.admin, topic, answers, { answered: recorded, isLedgerCaughtUp: true }, answerOverHttp);
    const { outcomes, joined, pending, unmatched } = await ask<Outcomes>(`${config.LEDGER_URL}/ledger/v1/summary`);
    const { books } = entering;
    return { balanced: balances(books), ...books, http: books.requests - onTopics, topics, outcomes: { outcomes, joined, pending, unmatched } };
  } finally {
    progress.end();
    await bus.close();
  }
}

/** Those that deployments name now and that are there. */
async function ownTopics(admin: BusAdmin): Promise<RequestTopic[]> {
  const named = new Map<string, readonly string[]>();
  await admin.scan('model.deployment.v1', (messages) => {
    for (const message of messages) {
      const decoded = decodeEvent('model.deployment.v1', message);
      if (message.value === null) named.delete(message.key?.toString() ?? '');
      else if (decoded.ok) named.set(decoded.data.model, decoded.data.requestTopics ?? []);
    }
  });
  const own = [...new Set([...named.values()].flat())].filter((topic): topic is RequestTopic => REQUEST_TOPICS.some((base) => isOwnTopicOf(topic, base)));
  const there = await Promise.all(own.map((topic) => isThere(admin, topic)));
  return own.filter((_, index) => there[index]);
}

async function isThere(admin: BusAdmin, topic: AnyTopic): Promise<boolean> {
  try {
    await admin.offsets(topic);
    return true;
  } catch (error) {
    if (error instanceof ContractError && error.code === 'not_found') return false;
    throw error;
  }
}

/** Reads topics and asks the ledger what became of each request, one question after the other. */
class Entering {
  books: Books = NO_BOOKS;

  constructor(
    private readonly config: CliConfig,
    private readonly progress: Progress,
  ) {}

  async read(admin: BusAdmin, topic: AnyTopic, ends: Offsets, positions: Positions, toRequest: (message: WireMessage) => Request | undefined): Promise<void> {
    let waiting: Request[] = [];
    const enterSome = async (): Promise<void> => {
      const requests = waiting.slice(0, IDS_A_QUESTION);
      waiting = waiting.slice(IDS_A_QUESTION);
      this.books = enter(this.books, requests, await this.statesOf(requests), positions);
      this.progress.update(`${this.books.requests.toLocaleString('en-US')} requests read`);
    };
    // The partitions' batches arrive side by side; the books are entered one question after the other.
    let entering: Promise<void> = Promise.resolve();
    await admin.scan(topic, (messages) => {
      for (const message of messages) {
        if (BigInt(message.offset) >= (ends.get(`${topic}/${message.partition}`) ?? 0n)) continue;
        const request = toRequest(message);
        if (request !== undefined) waiting.push(request);
      }
      entering = entering.then(async () => {
        while (waiting.length >= IDS_A_QUESTION) await enterSome();
      });
      return entering;
    });
    await entering;
    while (waiting.length > 0) await enterSome();
  }

  private async statesOf(requests: readonly Request[]): Promise<Record<string, LedgerState>> {
    const ids = requests.map((request) => request.predictionId);
    return (await ask<{ states: Record<string, LedgerState> }>(`${this.config.LEDGER_URL}/ledger/v1/books`, jsonBody('POST', { ids }))).states;
  }
}

function requestOf(message: WireMessage): Request {
  const { topic, partition, offset } = message;
  const { source, id } = decodeEvent(baseTopicOf(topic) as (typeof REQUEST_TOPICS)[number], message);
  return { predictionId: predictionId(source, id), source, id, topic, partition, offset: BigInt(offset) };
}

function answerOverHttp(message: WireMessage): Request | undefined {
  if (message.value?.includes(OVER_HTTP) !== true) return undefined;
  const { topic, partition, offset } = message;
  const decoded = decodeEvent(topic as (typeof ANSWER_TOPICS)[number], message);
  if (!decoded.ok || decoded.data.lane !== 'http') return undefined;
  const { predictionId: id, requestSource, requestId } = decoded.data;
  return { predictionId: id, source: requestSource, id: requestId, topic, partition, offset: BigInt(offset) };
}
