import type { Flight } from './flight.js';
import { MinHeap } from './min-heap.js';

export interface FlightEvent {
  kind: 'departure' | 'landing';
  /** Event time, in epoch milliseconds. */
  atMs: number;
  flight: Flight;
}

/** Eight times as many as the data ever has in the air (2,400); beyond it the input is not what it claims. */
const MAX_AIRBORNE = 20_000;

/**
 * Merges departures and landings into one stream in event time. Where both fall on one instant the departures come first: at a
 * departure only landings strictly before it are known. Everything about a landing (its delay above all) may be used once it
 * has been yielded, and not before.
 *
 * @param flights in the order of departure, as `readFlights` gives them.
 * @throws RangeError when the flights are out of order, or more than 20,000 are in the air.
 */
export async function* replayEvents(flights: AsyncIterable<Flight> | Iterable<Flight>): AsyncGenerator<FlightEvent> {
  const airborne = new MinHeap<Flight>((a, b) => a.landedMs - b.landedMs || a.departedMs - b.departedMs);
  let lastDepartureMs = -Infinity;
  for await (const flight of flights) {
    if (flight.departedMs < lastDepartureMs) throw new RangeError(`flight ${flight.flightKey} is out of order`);
    lastDepartureMs = flight.departedMs;
    while (airborne.size > 0 && airborne.peek()!.landedMs < flight.departedMs) yield landing(airborne.pop()!);
    if (airborne.size >= MAX_AIRBORNE) throw new RangeError(`more than ${MAX_AIRBORNE} flights are in the air`);
    airborne.push(flight);
    yield { kind: 'departure', atMs: flight.departedMs, flight };
  }
  while (airborne.size > 0) yield landing(airborne.pop()!);
}

function landing(flight: Flight): FlightEvent {
  return { kind: 'landing', atMs: flight.landedMs, flight };
}
