import { zoneOfAirport } from './airport-zones.js';
import { cleanStamp, emptyReport, type CleaningReport } from './cleaning.js';
import { readRawFlights, type RawFlight } from './flight-file.js';
import { LATE_AFTER_MINUTES, typicalBlockMinutes, type Flight } from './flight.js';
import { MinHeap } from './min-heap.js';
import { WallClock } from './wall-clock.js';

export interface FlightRange {
  /** First departure, in epoch milliseconds or as a Date. */
  from: number | Date;
  /** Departures before this instant. */
  to: number | Date;
}

export interface FlightStream extends AsyncIterable<Flight> {
  /** What cleaning has done to the rows of the range so far; complete when the iteration has ended. */
  readonly report: CleaningReport;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** West of Greenwich no clock is ahead of UTC, and Hawaii's, ten hours behind, is the last. */
const MAX_BEHIND_UTC_MS = 10 * HOUR_MS;
const MOVED_BY_CLEANING_MS = 24 * HOUR_MS;

/**
 * The flights that left in a range, cleaned (see `CleaningReport`), in the order of their departures; flights of one minute in the order of the
 * file. Memory holds one row group and the departures of some ten hours, whatever the range (a heap of 96 MB suffices for all of them).
 */
export function readFlights({ from, to }: FlightRange): FlightStream {
  const report = emptyReport();
  return { report, [Symbol.asyncIterator]: () => inOrderOfDeparture(Number(from), Number(to), report) };
}

interface Waiting {
  flight: Flight;
  row: number;
}

async function* inOrderOfDeparture(fromMs: number, toMs: number, report: CleaningReport): AsyncGenerator<Flight> {
  const waiting = new MinHeap<Waiting>((a, b) => a.flight.departedMs - b.flight.departedMs || a.row - b.row);
  const clocks = new Clocks();
  let lastStampMs = -Infinity;
  for await (const block of readRawFlights(fromMs - MAX_BEHIND_UTC_MS - MOVED_BY_CLEANING_MS, toMs)) {
    for (const raw of block) {
      if (raw.stampMs < lastStampMs) throw new Error(`row ${raw.row} of the flights is out of order`);
      lastStampMs = raw.stampMs;
      const flight = cleanFlight(raw, clocks, fromMs, toMs, report);
      if (flight !== undefined) waiting.push({ flight, row: raw.row });
      // No later row can have left before its stamp, read as UTC.
      while (waiting.size > 0 && waiting.peek()!.flight.departedMs < raw.stampMs) yield waiting.pop()!.flight;
    }
  }
  while (waiting.size > 0) yield waiting.pop()!.flight;
}

/** The flight, unless it is dropped or left outside the range. */
function cleanFlight(raw: RawFlight, clocks: Clocks, fromMs: number, toMs: number, report: CleaningReport): Flight | undefined {
  const cleaned = cleanStamp(raw.stampMs, raw.delayMinutes);
  const departedWallMs = 'dropped' in cleaned ? raw.stampMs : cleaned.departedWallMs;
  const departedMs = clocks.at(raw.originId).toInstantMs(departedWallMs);
  if (departedMs < fromMs || departedMs >= toMs) return undefined;
  report.rowsRead++;
  if ('dropped' in cleaned) {
    if (cleaned.dropped === 'dayTooLate') report.droppedDayTooLate++;
    else report.droppedImpossiblyEarly++;
    return undefined;
  }
  report.rowsKept++;
  if (cleaned.movedToNextDay) report.movedToNextDay++;
  return {
    flightKey: `${raw.originId}-${raw.destinationId}-${clocks.stampText(raw.stampMs)}-${raw.row}`,
    departedMs,
    landedMs: departedMs + typicalBlockMinutes(raw.distanceMiles) * MINUTE_MS,
    originId: raw.originId,
    destinationId: raw.destinationId,
    distanceMiles: raw.distanceMiles,
    departedMinuteOfDay: Math.floor(departedWallMs / MINUTE_MS) % 1440,
    departedWeekday: isoWeekday(departedWallMs),
    delayMinutes: raw.delayMinutes,
    late: raw.delayMinutes > LATE_AFTER_MINUTES,
  };
}

/** The first of January 1970 was a Thursday. */
function isoWeekday(wallMs: number): number {
  return ((Math.floor(wallMs / (24 * HOUR_MS)) + 3) % 7) + 1;
}

/** Clocks by airport, one for each zone; and the text of the stamp last seen, because a dozen rows in sequence share one. */
class Clocks {
  private readonly byZone = new Map<string, WallClock>();
  private readonly byAirport = new Map<string, WallClock>();
  private lastStampMs = NaN;
  private lastText = '';

  at(airport: string): WallClock {
    const known = this.byAirport.get(airport);
    if (known !== undefined) return known;
    const zone = zoneOfAirport(airport);
    const clock = this.byZone.get(zone) ?? new WallClock(zone);
    this.byZone.set(zone, clock);
    this.byAirport.set(airport, clock);
    return clock;
  }

  /** For example `20010131T0705`. */
  stampText(stampMs: number): string {
    if (stampMs !== this.lastStampMs) {
      this.lastStampMs = stampMs;
      this.lastText = new Date(stampMs).toISOString().slice(0, 16).replaceAll(/[-:]/g, '');
    }
    return this.lastText;
  }
}
