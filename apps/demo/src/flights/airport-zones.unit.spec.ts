import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { zoneOfAirport } from './airport-zones.js';
import { flightFilePath } from './flight-file.js';
import { WallClock } from './wall-clock.js';

const JANUARY = Date.UTC(2001, 0, 15, 12);
const JULY = Date.UTC(2001, 6, 15, 12);
const hoursBehind = (airport: string, wallMs: number) => (new WallClock(zoneOfAirport(airport)).toInstantMs(wallMs) - wallMs) / 3_600_000;

describe('zoneOfAirport', () => {
  it('puts every airport into a zone that its longitude allows', () => {
    const airports = readFileSync(join(dirname(flightFilePath()), 'airports.csv'), 'utf8').trim().split('\n').slice(1);
    let checked = 0;
    for (const line of airports) {
      const code = line.slice(0, line.indexOf(','));
      const longitude = Number(line.slice(line.lastIndexOf(',') + 1));
      let zone: string;
      try {
        zone = zoneOfAirport(code);
      } catch {
        continue;
      }
      checked++;
      const standardHoursBehind = (new WallClock(zone).toInstantMs(JANUARY) - JANUARY) / 3_600_000;
      // Legal zones reach up to an hour and a half west of their meridian here (Alaska two), and less far east.
      const hoursWestOfMeridian = -longitude / 15 - standardHoursBehind;
      expect(hoursWestOfMeridian, `${code} in ${zone}`).toBeGreaterThan(-0.65);
      expect(hoursWestOfMeridian, `${code} in ${zone}`).toBeLessThan(zone === 'America/Anchorage' ? 2.2 : 1.05);
    }
    expect(checked).toBe(229);
  });

  it.each([
    ['JFK', 5, 4], ['ORD', 6, 5], ['VPS', 6, 5], ['ELP', 7, 6], ['PHX', 7, 7], ['IND', 5, 5], ['EVV', 6, 5], ['TYS', 5, 4], ['BNA', 6, 5],
    ['LAX', 8, 7], ['ANC', 9, 8], ['HNL', 10, 10], ['SJU', 4, 4], ['DTW', 5, 4], ['RAP', 7, 6],
  ])('%s was %d hours behind UTC in winter and %d in summer of 2001', (airport, winter, summer) => {
    expect(hoursBehind(airport, JANUARY)).toBe(winter);
    expect(hoursBehind(airport, JULY)).toBe(summer);
  });

  it('refuses an airport that it does not know', () => {
    expect(() => zoneOfAirport('XXX')).toThrow('XXX');
  });
});
