import type { FeaturesAsUsed } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import type { FlightEvent } from '../flights/index.js';
import { flightOf } from '../testing/flights.js';
import { FlightFeatures } from './flight-features.js';
import { SkewMeter } from './skew.js';

const MINUTE_MS = 60_000;
const at = (minutes: number): number => Date.parse('2001-01-29T12:00Z') + minutes * MINUTE_MS;
const asked = flightOf({ departedMs: at(60) });

/** Two landings in Chicago; what was known after the first, and after both. */
function situation() {
  const features = new FlightFeatures();
  const skew = new SkewMeter(features);
  const see = (event: FlightEvent) => {
    features.observe(event);
    skew.observed(event);
  };
  const landing = (minutes: number, delayMinutes: number): FlightEvent => ({
    kind: 'landing', atMs: at(minutes), flight: flightOf({ originId: 'LAX', destinationId: 'ORD', delayMinutes, late: delayMinutes > 15 }),
  });
  see(landing(20, 0));
  const before = features.at(asked);
  see(landing(50, 60));
  return { skew, before, exact: features.at(asked), see, landing, features };
}

const used = (row: readonly number[], ageSeconds: { origin?: number }): FeaturesAsUsed => ({
  values: row.map((value) => (Number.isNaN(value) ? 0.2 : value)),
  defaulted: row.flatMap((value, index) => (Number.isNaN(value) ? [index] : [])),
  ageSeconds: Object.fromEntries(Object.entries(ageSeconds).map(([role, seconds]) => [`airport_traffic@1/${role}`, seconds])),
});

describe('SkewMeter', () => {
  it('finds the newest values identical, defaults included', () => {
    const { skew, exact } = situation();
    skew.compare(asked, used(exact.row, { origin: 600 }), exact);
    expect(skew.report()).toEqual({ reads: 2, known: 2, identical: 2, close: 2, fromTheFuture: 0, medianBehindSeconds: 0 });
  });

  it('knows older values again, and says how far they are behind', () => {
    const { skew, before, exact } = situation();
    skew.compare(asked, used(before.row, { origin: 2400 }), exact);
    expect(skew.report()).toMatchObject({ reads: 2, known: 2, identical: 1, close: 1, medianBehindSeconds: 1800 });
  });

  it('does not know values that were never computed', () => {
    const { skew, exact } = situation();
    const wrong = exact.row.with(6, exact.row[6]! + 1e-9);
    skew.compare(asked, used(wrong, { origin: 600 }), exact);
    expect(skew.report()).toMatchObject({ reads: 2, known: 1, identical: 1, close: 2 });
  });

  it('counts values from after the request', () => {
    const { skew, exact, see, landing, features } = situation();
    see(landing(70, 90));
    skew.compare(asked, used(features.at(asked).row, { origin: -600 }), exact);
    expect(skew.report()).toMatchObject({ known: 2, identical: 1, fromTheFuture: 1 });
  });
});
