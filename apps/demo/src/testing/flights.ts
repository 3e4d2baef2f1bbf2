import type { Flight } from '../flights/index.js';

/** A flight from Chicago to New York at six in the morning, on time, unless said otherwise. */
export function flightOf(given: Partial<Flight>): Flight {
  const departedMs = given.departedMs ?? Date.parse('2001-01-29T12:00Z');
  return {
    flightKey: 'ORD-JFK-20010129T0600-1', departedMs, landedMs: departedMs + 2 * 3_600_000, originId: 'ORD', destinationId: 'JFK', distanceMiles: 740,
    departedMinuteOfDay: 360, departedWeekday: 1, delayMinutes: 3, late: false, ...given,
  };
}
