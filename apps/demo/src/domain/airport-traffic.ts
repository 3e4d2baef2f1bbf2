import type { FeatureSpec } from '@throughline/contracts';
import type { FeatureViewDefinition, ObservedEvent } from '@throughline/features';
import type { FlightEvent } from '../flights/index.js';

const HOUR_SECONDS = 3600;

/**
 * What is going on at an airport, by event time: how many flights left and came in, and how late those were whose arrival is known. The feature
 * store executes this definition on the stream, and training executes the same one on the file.
 */
export const AIRPORT_TRAFFIC: FeatureViewDefinition = {
  name: 'airport_traffic',
  version: 1,
  entityType: 'airport',
  features: [
    { name: 'departures_1h', event: 'flight_departed', aggregate: 'count', windowSeconds: HOUR_SECONDS },
    { name: 'arrivals_1h', event: 'flight_landed', aggregate: 'count', windowSeconds: HOUR_SECONDS },
    { name: 'arrivals_late_share_1h', event: 'flight_landed', aggregate: 'mean', field: 'late', windowSeconds: HOUR_SECONDS },
    { name: 'arrivals_mean_delay_3h', event: 'flight_landed', aggregate: 'mean', field: 'delayMinutes', windowSeconds: 3 * HOUR_SECONDS },
    { name: 'departures_late_share_1h', event: 'departed_flight_landed', aggregate: 'mean', field: 'late', windowSeconds: HOUR_SECONDS },
    { name: 'departures_mean_delay_3h', event: 'departed_flight_landed', aggregate: 'mean', field: 'delayMinutes', windowSeconds: 3 * HOUR_SECONDS },
  ],
};

/** A role in a request's entities; each is an airport. */
export const ROLES = ['origin', 'destination'] as const;
export const ENTITIES = { origin: 'airport', destination: 'airport' } as const;

/** What the request itself brings. */
export const REQUEST_FEATURES = ['hour', 'weekday', 'distance_miles'] as const;
/** Every day has one weekday, four weeks have seven: compared with them it would drift for ever. */
const UNMONITORED: readonly string[] = ['hour', 'weekday'];

interface ModelFeature {
  readonly name: string;
  readonly from?: { readonly role: (typeof ROLES)[number]; readonly feature: string };
}

/** The columns of the model's input, in order. */
export const MODEL_FEATURES: readonly ModelFeature[] = [
  ...REQUEST_FEATURES.map((name) => ({ name })),
  ...ROLES.flatMap((role) => AIRPORT_TRAFFIC.features.map(({ name }) => ({ name: `${role}_${name}`, from: { role, feature: name } }))),
];

export const FEATURE_NAMES: readonly string[] = MODEL_FEATURES.map(({ name }) => name);

/** Where each role's stored values start in a row, and how many there are. */
export const STORED_OFFSETS: readonly number[] = ROLES.map((_, index) => REQUEST_FEATURES.length + index * AIRPORT_TRAFFIC.features.length);
export const STORED_WIDTH = AIRPORT_TRAFFIC.features.length;

/**
 * The features as the registry wants them told.
 *
 * @param viewVersion the feature store's version of `AIRPORT_TRAFFIC`
 * @param defaults one a column, for a stored value that is missing; training filled the same
 */
export function featureSpecs(viewVersion: number, defaults: readonly number[]): FeatureSpec[] {
  return MODEL_FEATURES.map(({ name, from }, column): FeatureSpec => {
    if (from === undefined) return { name, kind: 'numeric', ...(UNMONITORED.includes(name) && { monitored: false }) };
    return { name, kind: 'numeric', default: defaults[column]!, from: { view: AIRPORT_TRAFFIC.name, viewVersion, feature: from.feature, entityRole: from.role } };
  });
}

/**
 * What an airport learns of a flight. A departure says only that it happened: the file has the delay on arrival and no other, so at the moment of
 * departure nothing about the delay is known. It is known on landing, to both airports.
 */
export function observationsOf({ kind, atMs, flight }: FlightEvent): ObservedEvent[] {
  if (kind === 'departure') return [{ event: 'flight_departed', entityId: flight.originId, occurredAtMs: atMs }];
  const values = { delayMinutes: flight.delayMinutes, late: flight.late };
  return [
    { event: 'flight_landed', entityId: flight.destinationId, values, occurredAtMs: atMs },
    { event: 'departed_flight_landed', entityId: flight.originId, values, occurredAtMs: atMs },
  ];
}
