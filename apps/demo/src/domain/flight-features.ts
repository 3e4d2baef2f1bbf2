import { WindowedAggregator, type FeatureScalar } from '@throughline/features';
import type { Flight, FlightEvent } from '../flights/index.js';
import { AIRPORT_TRAFFIC, observationsOf } from './airport-traffic.js';

/** The request's own features of a flight, by name. */
export function requestFeaturesOf({ departedMinuteOfDay, departedWeekday, distanceMiles }: Flight): { hour: number; weekday: number; distance_miles: number } {
  return { hour: Math.floor(departedMinuteOfDay / 60), weekday: departedWeekday, distance_miles: distanceMiles };
}

/**
 * The features of flights computed offline, event by event: what a feature store without delay would serve. Both training and the measurement of
 * skew stand on this, and this on the aggregator that the feature store executes.
 */
export class FlightFeatures {
  private readonly traffic = new WindowedAggregator(AIRPORT_TRAFFIC);

  /** Counts an event; ask for a departure's row before it is counted. */
  observe(event: FlightEvent): void {
    for (const observation of observationsOf(event)) this.traffic.add(observation);
  }

  /** One value a model feature, in their order; NaN where there is none. Nothing that is not known at the departure is in it. */
  rowOf(flight: Flight): number[] {
    const { hour, weekday, distance_miles } = requestFeaturesOf(flight);
    return [hour, weekday, distance_miles, ...this.airportValues(flight.originId), ...this.airportValues(flight.destinationId)];
  }

  /** The view's values of an airport as published with its newest event, in the order of the view. */
  airportValues(airportId: string): number[] {
    const values = this.traffic.current(airportId)?.values;
    return AIRPORT_TRAFFIC.features.map(({ name }) => toNumber(values?.[name]));
  }
}

const toNumber = (value: FeatureScalar | undefined): number => (typeof value === 'number' ? value : Number.NaN);
