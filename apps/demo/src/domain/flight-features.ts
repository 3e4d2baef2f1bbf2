import { WindowedAggregator, type FeatureScalar } from '@throughline/features';
import type { Flight, FlightEvent } from '../flights/index.js';
import { AIRPORT_TRAFFIC, observationsOf } from './airport-traffic.js';

/** The request's own features of a flight, by name. */
export function requestFeaturesOf({ departedMinuteOfDay, departedWeekday, distanceMiles }: Flight): { hour: number; weekday: number; distance_miles: number } {
  return { hour: Math.floor(departedMinuteOfDay / 60), weekday: departedWeekday, distance_miles: distanceMiles };
}

/** Values of the view at an airport, in the order of the view; NaN where there is none. */
export interface AirportState {
  readonly values: readonly number[];
  /** Event time of the airport's newest event, epoch milliseconds; `undefined` before the first. */
  readonly eventTimeMs: number | undefined;
}

/** A flight's features, and what they were when the flight left. */
export interface ExactFeatures {
  /** One value a model feature, in their order; NaN where there is none. */
  readonly row: readonly number[];
  /** Age of the airports' values, in the order of the roles; 0 where there are none. */
  readonly ageSeconds: readonly number[];
}

/**
 * The features of flights computed offline, event by event: what a feature store without delay would serve. Both training and the measurement of
 * skew stand on this, and this on the aggregator that the feature store executes.
 */
export class FlightFeatures {
  private readonly traffic = new WindowedAggregator(AIRPORT_TRAFFIC);

  /** Counts an event; ask for a departure's features before it is counted. */
  observe(event: FlightEvent): void {
    for (const observation of observationsOf(event)) this.traffic.add(observation);
  }

  /** Nothing that is not known at the departure is in it. */
  at(flight: Flight): ExactFeatures {
    const { hour, weekday, distance_miles } = requestFeaturesOf(flight);
    const airports = airportsOf(flight).map((airportId) => this.stateOf(airportId));
    return {
      row: [hour, weekday, distance_miles, ...airports.flatMap(({ values }) => values)],
      ageSeconds: airports.map(({ eventTimeMs }) => (eventTimeMs === undefined ? 0 : (flight.departedMs - eventTimeMs) / 1000)),
    };
  }

  /** An airport's values as published with its newest event. */
  stateOf(airportId: string): AirportState {
    const current = this.traffic.current(airportId);
    return { values: AIRPORT_TRAFFIC.features.map(({ name }) => toNumber(current?.values[name])), eventTimeMs: current?.eventTimeMs };
  }
}

/** In the order of the roles. */
export const airportsOf = ({ originId, destinationId }: Pick<Flight, 'originId' | 'destinationId'>): [string, string] => [originId, destinationId];

const toNumber = (value: FeatureScalar | undefined): number => (typeof value === 'number' ? value : Number.NaN);
