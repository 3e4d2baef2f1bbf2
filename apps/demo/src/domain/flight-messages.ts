import { encodeEvent, predictionId, type EncodedEvent, type TopicName } from '@throughline/contracts';
import type { ObservedEvent } from '@throughline/features';
import type { Flight, FlightEvent } from '../flights/index.js';
import { AIRPORT_TRAFFIC, observationsOf } from './airport-traffic.js';
import { requestFeaturesOf } from './flight-features.js';

export const MODEL = 'flight-delay';
/** CloudEvents source of everything the demo publishes. */
export const SOURCE = '/demo/flights';
/** The system that knows when a flight has landed. */
export const OUTCOME_SOURCE = 'arrivals';

/** A message for the bus. */
export interface Message extends EncodedEvent {
  readonly topic: TopicName;
  readonly key: string;
}

/** Both ends know it without asking: it is computed from the request's source and id. */
export const predictionIdOf = ({ flightKey }: Flight): string => predictionId(SOURCE, flightKey);

/** Will this flight, which leaves now, arrive late? */
export function requestMessage(flight: Flight, traceparent: string | undefined): Message {
  const { flightKey, originId, destinationId, departedMs } = flight;
  // The route is the case: few share it, and a hub would be a hot partition.
  const routingKey = `${originId}-${destinationId}`;
  const data = {
    model: MODEL,
    features: requestFeaturesOf(flight),
    entities: { origin: originId, destination: destinationId },
    occurredAt: new Date(departedMs).toISOString(),
    routingKey,
  };
  return { topic: 'prediction.requested.v1', key: routingKey, ...encodeEvent('prediction.requested.v1', { id: flightKey, source: SOURCE, timeMs: departedMs, data, traceparent }) };
}

/** It has landed, and was late or not. */
export function outcomeMessage(flight: Flight, traceparent: string | undefined): Message {
  const key = predictionIdOf(flight);
  const occurredAt = new Date(flight.landedMs).toISOString();
  const data = { predictionId: key, value: flight.late, source: OUTCOME_SOURCE, sequence: 0, occurredAt };
  return { topic: 'outcome.observed.v1', key, ...encodeEvent('outcome.observed.v1', { id: `${flight.flightKey}/outcome`, source: SOURCE, timeMs: flight.landedMs, data, traceparent }) };
}

/** What the airports learn of it, for the feature store. */
export function featureMessages(event: FlightEvent): Message[] {
  return observationsOf(event).map((observation) => featureMessage(event.flight, observation));
}

function featureMessage({ flightKey }: Flight, { event, entityId, values, occurredAtMs }: ObservedEvent): Message {
  const data = {
    entityType: AIRPORT_TRAFFIC.entityType, entityId, event, occurredAt: new Date(occurredAtMs).toISOString(),
    ...(values === undefined ? {} : { values: { ...values } }),
  };
  return { topic: 'feature.observed.v1', key: entityId, ...encodeEvent('feature.observed.v1', { id: `${flightKey}/${event}`, source: SOURCE, timeMs: occurredAtMs, data }) };
}
