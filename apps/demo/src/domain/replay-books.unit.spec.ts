import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flightOf } from '../testing/flights.js';
import { ReplayBooks } from './replay-books.js';

const flight = flightOf({});
const exact = { row: [], ageSeconds: [] };

describe('ReplayBooks', () => {
  it('follows a request to its end, and then holds nothing of it', () => {
    const books = new ReplayBooks();
    books.requested('a', flight, exact);
    expect(books.unanswered()).toEqual(['a']);
    expect(books.scored('a', false)?.exact).toBe(exact);
    expect(books.inTheAir()).toEqual(['a']);
    books.outcomeSent('a', flight, false);
    expect(books.unjoined()).toEqual(['a']);
    expect(books.joined('a')).toBeDefined();
    expect([books.unanswered(), books.inTheAir(), books.unjoined()]).toEqual([[], [], []]);
    expect(books.counts).toEqual({ requests: 1, scored: 1, fallback: 0, rejected: 0, outcomes: 1, joined: 1 });
  });

  it('counts everything once, in whatever order and however often the topics tell it', () => {
    const told = fc.array(fc.constantFrom('scored', 'joined', 'scored', 'joined'), { minLength: 2 }).filter((all) => new Set(all).size === 2);
    fc.assert(fc.property(told, (all) => {
      const books = new ReplayBooks();
      books.requested('a', flight, exact);
      books.outcomeSent('a', flight, false);
      for (const what of all) {
        if (what === 'scored') books.scored('a', false);
        else books.joined('a');
      }
      expect(books.counts).toMatchObject({ scored: 1, joined: 1 });
      expect([books.unanswered(), books.unjoined()]).toEqual([[], []]);
    }));
  });

  it('waits for the outcome of a request of an earlier run, and compares no features of it', () => {
    const books = new ReplayBooks();
    books.outcomeSent('old', flight, true);
    expect(books.unjoined()).toEqual(['old']);
    expect(books.joined('old')).toMatchObject({ exact: undefined });
    expect(books.counts).toMatchObject({ requests: 0, scored: 0, joined: 1 });
  });

  it('expects nothing more of a rejected request, and has nothing to do with predictions of others', () => {
    const books = new ReplayBooks();
    books.requested('a', flight, exact);
    books.rejected('a');
    books.outcomeSent('a', flight, false);
    expect(books.unjoined()).toEqual([]);
    expect([books.scored('b', false), books.rejected('b'), books.joined('b')]).toEqual([undefined, undefined, undefined]);
    expect(books.counts).toMatchObject({ requests: 1, rejected: 1, scored: 0, joined: 0 });
  });
});
