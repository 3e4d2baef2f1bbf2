export type LedgerState = 'scored' | 'fallback' | 'rejected';
export type Verdict = LedgerState | 'inFlight' | 'missing';

/** One request on a topic. */
export interface Request {
  readonly predictionId: string;
  readonly source: string;
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** How far everybody was when the books were read. */
export interface Positions {
  /** Next offset the workers will commit, by `topic/partition`: everything below it was answered. */
  readonly answered: ReadonlyMap<string, bigint>;
  /** The ledger had taken in every answer to the requests below `answered`. */
  readonly isLedgerCaughtUp: boolean;
}

/** How a request ended; one the ledger does not know is missing only when nobody can still be at work on it. */
export function verdictOf(request: Request, state: LedgerState | undefined, { answered, isLedgerCaughtUp }: Positions): Verdict {
  if (state !== undefined) return state;
  const isAnswered = request.offset < (answered.get(`${request.topic}/${request.partition}`) ?? 0n);
  return isAnswered && isLedgerCaughtUp ? 'missing' : 'inFlight';
}

export interface Books {
  /** Messages; copies of one request share its answer. */
  readonly requests: number;
  readonly scored: number;
  readonly fallback: number;
  readonly rejected: number;
  readonly inFlight: number;
  readonly missing: number;
  readonly missingRequests: readonly Request[];
}

/** The list of what is missing is bounded; the count is not. */
export const MAX_LISTED = 1000;

export const NO_BOOKS: Books = { requests: 0, scored: 0, fallback: 0, rejected: 0, inFlight: 0, missing: 0, missingRequests: [] };

/** Enters requests into the books. */
export function enter(books: Books, requests: readonly Request[], states: Readonly<Record<string, LedgerState>>, positions: Positions): Books {
  const counts = { ...books, requests: books.requests + requests.length };
  const missingRequests = [...books.missingRequests];
  for (const request of requests) {
    const verdict = verdictOf(request, states[request.predictionId], positions);
    counts[verdict] += 1;
    if (verdict === 'missing' && missingRequests.length < MAX_LISTED) missingRequests.push(request);
  }
  return { ...counts, missingRequests };
}

/** requested = scored + fallback + rejected + in flight, and nothing is missing. */
export const balances = ({ requests, scored, fallback, rejected, inFlight, missing }: Books): boolean => missing === 0 && requests === scored + fallback + rejected + inFlight;
