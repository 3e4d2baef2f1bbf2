import { describe, expect, it } from 'vitest';
import { replayEvents, type Flight } from '../flights/index.js';
import { flightOf } from '../testing/flights.js';
import { FEATURE_NAMES, featureSpecs } from './airport-traffic.js';
import { FlightFeatures } from './flight-features.js';

const MINUTE_MS = 60_000;
const at = (minutes: number): number => Date.parse('2001-01-29T12:00Z') + minutes * MINUTE_MS;

async function featuresOf(asked: Flight, flights: Flight[]): Promise<Record<string, number>> {
  const features = new FlightFeatures();
  for await (const event of replayEvents([...flights, asked].sort((a, b) => a.departedMs - b.departedMs))) {
    if (event.kind === 'departure' && event.flight === asked) return Object.fromEntries(features.at(asked).row.map((value, index) => [FEATURE_NAMES[index], value]));
    features.observe(event);
  }
  throw new Error('it never left');
}

describe('FlightFeatures', () => {
  it('counts what has happened at both airports, and how late those were that have landed', async () => {
    const asked = flightOf({ flightKey: 'asked', departedMs: at(100) });
    const landedAtOrigin = flightOf({ flightKey: 'in', originId: 'SFO', destinationId: 'ORD', departedMs: at(0), landedMs: at(80), delayMinutes: 60, late: true });
    const leftOrigin = flightOf({ flightKey: 'out', originId: 'ORD', destinationId: 'JFK', departedMs: at(10), landedMs: at(90), delayMinutes: 0 });
    const inTheAir = flightOf({ flightKey: 'air', originId: 'ORD', destinationId: 'JFK', departedMs: at(60), landedMs: at(160), delayMinutes: 500, late: true });
    expect(await featuresOf(asked, [landedAtOrigin, leftOrigin, inTheAir])).toEqual({
      hour: 6, weekday: 1, distance_miles: 740,
      origin_departures_1h: 1, origin_arrivals_1h: 1, origin_arrivals_late_share_1h: 1, origin_arrivals_mean_delay_3h: 60,
      origin_departures_late_share_1h: 0, origin_departures_mean_delay_3h: 0,
      destination_departures_1h: 0, destination_arrivals_1h: 1, destination_arrivals_late_share_1h: 0, destination_arrivals_mean_delay_3h: 0,
      destination_departures_late_share_1h: Number.NaN, destination_departures_mean_delay_3h: Number.NaN,
    });
  });

  it('does not depend on the delay of the flight itself, nor of any that is in the air', async () => {
    const others = (delayMinutes: number) => [flightOf({ flightKey: 'air', departedMs: at(60), landedMs: at(160), delayMinutes, late: delayMinutes > 15 })];
    const asked = (delayMinutes: number) => flightOf({ flightKey: 'asked', departedMs: at(100), delayMinutes, late: delayMinutes > 15 });
    expect(await featuresOf(asked(500), others(400))).toEqual(await featuresOf(asked(0), others(-5)));
  });

  it('says how old the values are', () => {
    const features = new FlightFeatures();
    features.observe({ kind: 'landing', atMs: at(90), flight: flightOf({ destinationId: 'ORD', originId: 'LAX' }) });
    expect(features.at(flightOf({ departedMs: at(100) })).ageSeconds).toEqual([600, 0]);
  });
});

describe('featureSpecs', () => {
  it('names for every stored column its view and role, with a default, in the order of the columns', () => {
    const specs = featureSpecs(7, FEATURE_NAMES.map((_, column) => column));
    expect(specs.map(({ name }) => name)).toEqual(FEATURE_NAMES);
    expect(specs.slice(0, 3).every(({ from, default: fallback }) => from === undefined && fallback === undefined)).toBe(true);
    expect(specs[9]).toEqual({ name: 'destination_departures_1h', kind: 'numeric', default: 9, from: { view: 'airport_traffic', viewVersion: 7, feature: 'departures_1h', entityRole: 'destination' } });
  });
});
