import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Flight } from './flight.js';
import { replayEvents, type FlightEvent } from './replay-events.js';

function flight(departedMs: number, durationMs: number, row: number): Flight {
  return {
    flightKey: String(row), departedMs, landedMs: departedMs + durationMs, originId: 'AAA', destinationId: 'BBB', distanceMiles: 100,
    departedMinuteOfDay: 0, departedWeekday: 1, delayMinutes: 0, late: false,
  };
}

async function replay(flights: Flight[]): Promise<FlightEvent[]> {
  const events: FlightEvent[] = [];
  for await (const event of replayEvents(flights)) events.push(event);
  return events;
}

describe('replayEvents', () => {
  it('gives, at each departure, every landing strictly before it and no other', async () => {
    const times = fc.array(fc.tuple(fc.nat(100), fc.integer({ min: 1, max: 30 })), { maxLength: 60 });
    await fc.assert(fc.asyncProperty(times, async (pairs) => {
      const flights = pairs.toSorted(([a], [b]) => a - b).map(([departedMs, durationMs], row) => flight(departedMs, durationMs, row));
      const landed: Flight[] = [];
      for (const event of await replay(flights)) {
        if (event.kind === 'landing') landed.push(event.flight);
        else expect(new Set(landed)).toEqual(new Set(flights.filter(({ landedMs }) => landedMs < event.atMs)));
      }
      expect(landed).toHaveLength(flights.length);
    }));
  });

  it('yields both events of every flight in event time', async () => {
    const events = await replay([flight(0, 10, 0), flight(5, 2, 1), flight(10, 1, 2)]);
    expect(events.map(({ kind, atMs, flight: { flightKey } }) => `${atMs} ${kind} ${flightKey}`)).toEqual([
      '0 departure 0', '5 departure 1', '7 landing 1', '10 departure 2', '10 landing 0', '11 landing 2',
    ]);
  });

  it('refuses flights out of order, and more in the air than the sky holds', async () => {
    await expect(replay([flight(5, 1, 0), flight(4, 1, 1)])).rejects.toThrow('out of order');
    await expect(replay(Array.from({ length: 20_001 }, (_, row) => flight(0, 1, row)))).rejects.toThrow('in the air');
  });
});
