import fc from 'fast-check';
import { expect, it } from 'vitest';
import { balances, enter, MAX_LISTED, NO_BOOKS, verdictOf, type LedgerState, type Request } from './audit-books.js';

const request = (offset: number, predictionId = `p-${offset}`): Request => ({ predictionId, source: '/s', id: String(offset), topic: 'prediction.requested.v1', partition: 0, offset: BigInt(offset) });
const positions = (answered: number, isLedgerCaughtUp = true) => ({ answered: new Map([['prediction.requested.v1/0', BigInt(answered)]]), isLedgerCaughtUp });

it('a request is missing only when the workers are past it and the ledger is past their answers', () => {
  expect(verdictOf(request(4), undefined, positions(5))).toBe('missing');
  expect(verdictOf(request(5), undefined, positions(5))).toBe('inFlight');
  expect(verdictOf(request(4), undefined, positions(5, false))).toBe('inFlight');
  expect(verdictOf(request(0), undefined, { answered: new Map(), isLedgerCaughtUp: true })).toBe('inFlight');
  expect(verdictOf(request(9), 'rejected', positions(5))).toBe('rejected');
});

it('every request is counted once, and the books balance exactly when nothing is missing', () => {
  const state = fc.constantFrom<(LedgerState | undefined)[]>('scored', 'fallback', 'rejected', undefined);
  fc.assert(fc.property(fc.array(state), fc.nat(20), fc.boolean(), (states, answered, isCaughtUp) => {
    const requests = states.map((_, offset) => request(offset));
    const known = Object.fromEntries(states.flatMap((one, offset) => (one === undefined ? [] : [[`p-${offset}`, one]])));
    const books = requests.reduce((sum, one) => enter(sum, [one], known, positions(answered, isCaughtUp)), NO_BOOKS);
    expect(books.scored + books.fallback + books.rejected + books.inFlight + books.missing).toBe(requests.length);
    expect(balances(books)).toBe(!states.some((one, offset) => one === undefined && isCaughtUp && offset < answered));
    expect(books.missingRequests).toHaveLength(books.missing);
  }));
});

it('the list of what is missing is bounded, the count is not', () => {
  const requests = Array.from({ length: MAX_LISTED + 5 }, (_, offset) => request(offset));
  const books = enter(NO_BOOKS, requests, {}, positions(10_000));
  expect([books.missing, books.missingRequests.length]).toEqual([MAX_LISTED + 5, MAX_LISTED]);
});
