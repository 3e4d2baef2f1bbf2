import { describe, expect, it, vi } from 'vitest';
import { typicalBlockMinutes, type Flight } from './flight.js';
import { readFlights } from './read-flights.js';
import { replayEvents } from './replay-events.js';

// Reading real flights takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

async function collect(from: string, to: string): Promise<Flight[]> {
  const flights: Flight[] = [];
  for await (const flight of readFlights({ from: new Date(from), to: new Date(to) })) flights.push(flight);
  return flights;
}

/** Noon of 17 January to noon of the 18th crosses from one row group to the next. */
const FROM = '2001-01-17T12:00Z';
const TO = '2001-01-18T12:00Z';

describe('readFlights', () => {
  it('yields the flights of the range in order of departure, each key once, each landing after its departure', async () => {
    const flights = await collect(FROM, TO);
    expect(flights.length).toBeGreaterThan(16_000);
    expect(new Set(flights.map(({ flightKey }) => flightKey)).size).toBe(flights.length);
    let lastMs = Date.parse(FROM);
    for (const flight of flights) {
      expect(flight.departedMs).toBeGreaterThanOrEqual(lastMs);
      expect(flight.landedMs).toBeGreaterThanOrEqual(flight.departedMs + 30 * 60_000);
      lastMs = flight.departedMs;
    }
    expect(lastMs).toBeLessThan(Date.parse(TO));
  });

  it('gives the same flights, keys and all, however the range is cut', async () => {
    const halves = [...(await collect(FROM, '2001-01-18T01:00Z')), ...(await collect('2001-01-18T01:00Z', TO))];
    expect(halves).toEqual(await collect(FROM, TO));
  });

  it('reads stamps on the clock of the origin, and says the local hour and weekday', async () => {
    const flights = await collect('2001-01-01T05:00Z', '2001-01-01T12:00Z');
    expect(flights.find(({ flightKey }) => flightKey === 'PHX-CVG-20010101T0056-81')).toEqual({
      flightKey: 'PHX-CVG-20010101T0056-81',
      departedMs: Date.parse('2001-01-01T07:56Z'),
      landedMs: Date.parse('2001-01-01T11:51Z'),
      originId: 'PHX',
      destinationId: 'CVG',
      distanceMiles: 1569,
      departedMinuteOfDay: 56,
      departedWeekday: 1,
      delayMinutes: -5,
      late: false,
    });
  });

  it('moves a flight that left after midnight of its scheduled day to the day it left on', async () => {
    const moved = (await collect('2001-01-02T05:00Z', '2001-01-02T06:00Z')).find(({ flightKey }) => flightKey.startsWith('JFK-BOS-20010101T0004'));
    expect(moved).toMatchObject({ departedMs: Date.parse('2001-01-02T05:04Z'), departedWeekday: 2, delayMinutes: 105, late: true });
  });

  it('counts what cleaning did', async () => {
    const stream = readFlights({ from: Date.parse('2001-02-17T00:00Z'), to: Date.parse('2001-02-19T00:00Z') });
    let kept = 0;
    for await (const _ of stream) kept++;
    expect(stream.report).toEqual({ rowsRead: kept + 2, rowsKept: kept, movedToNextDay: stream.report.movedToNextDay, droppedDayTooLate: 2, droppedImpossiblyEarly: 0 });
    expect(stream.report.movedToNextDay).toBeGreaterThan(20);
  });

  it('finds in the whole file what the documentation of CleaningReport says', { timeout: 120_000 }, async () => {
    const stream = readFlights({ from: Date.UTC(2000, 11, 1), to: Date.UTC(2001, 7, 1) });
    let late = 0;
    for await (const flight of stream) late += Number(flight.late);
    expect(stream.report).toEqual({ rowsRead: 3_000_000, rowsKept: 2_999_972, movedToNextDay: 7276, droppedDayTooLate: 25, droppedImpossiblyEarly: 3 });
    expect(late / stream.report.rowsKept).toBeCloseTo(0.1997, 4);
  });
});

describe('replaying real flights', () => {
  it('tells no departure of a landing that has not happened', async () => {
    let lastMs = -Infinity;
    const airborne = new Set<string>();
    for await (const { kind, atMs, flight } of replayEvents(readFlights({ from: new Date(FROM), to: new Date(TO) }))) {
      expect(atMs).toBeGreaterThanOrEqual(lastMs);
      lastMs = atMs;
      if (kind === 'departure') airborne.add(flight.flightKey);
      else expect(airborne.delete(flight.flightKey)).toBe(true);
    }
    expect(airborne.size).toBe(0);
  });
});

describe('typicalBlockMinutes', () => {
  it('is an hour for a short hop, and six for a continent', () => {
    expect(typicalBlockMinutes(230)).toBe(60);
    expect(typicalBlockMinutes(2475)).toBe(353);
  });
});
