import { decodeEvent, predictionId, type EventTopic } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import { flightOf } from '../testing/flights.js';
import { featureMessages, outcomeMessage, predictionIdOf, requestMessage, SOURCE, type Message } from './flight-messages.js';

const flight = flightOf({ delayMinutes: 40, late: true });

function decoded<T extends EventTopic>(topic: T, { value, headers, key }: Message) {
  const event = decodeEvent(topic, { topic, partition: 0, offset: '0', timestampMs: 0, key: Buffer.from(key), value: Buffer.from(value), headers });
  if (!event.ok) throw new Error(event.reason);
  return event;
}

describe('messages of a flight', () => {
  it('ask on departure for what is known then, and satisfy the contract', () => {
    const event = decoded('prediction.requested.v1', requestMessage(flight, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'));
    expect(event).toMatchObject({ id: flight.flightKey, source: SOURCE, timeMs: flight.departedMs, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' });
    expect(event.data).toEqual({
      model: 'flight-delay', features: { hour: 6, weekday: 1, distance_miles: 740 }, entities: { origin: 'ORD', destination: 'JFK' },
      occurredAt: '2001-01-29T12:00:00.000Z', routingKey: 'ORD-JFK',
    });
  });

  it('tell on landing what came true, of exactly the prediction that was asked for', () => {
    const { id, source } = decoded('prediction.requested.v1', requestMessage(flight, undefined));
    const event = decoded('outcome.observed.v1', outcomeMessage(flight, undefined));
    expect(event.data).toEqual({ predictionId: predictionId(source, id), value: true, source: 'arrivals', sequence: 0, occurredAt: '2001-01-29T14:00:00.000Z' });
    expect(predictionIdOf(flight)).toBe(event.data.predictionId);
  });

  it('tell the airports of a departure nothing about its delay, and of a landing all', () => {
    const departure = featureMessages({ kind: 'departure', atMs: flight.departedMs, flight }).map((message) => decoded('feature.observed.v1', message).data);
    const landing = featureMessages({ kind: 'landing', atMs: flight.landedMs, flight }).map((message) => decoded('feature.observed.v1', message).data);
    expect(departure).toEqual([{ entityType: 'airport', entityId: 'ORD', event: 'flight_departed', occurredAt: '2001-01-29T12:00:00.000Z' }]);
    const told = { entityType: 'airport', values: { delayMinutes: 40, late: true }, occurredAt: '2001-01-29T14:00:00.000Z' };
    expect(landing).toEqual([{ ...told, entityId: 'JFK', event: 'flight_landed' }, { ...told, entityId: 'ORD', event: 'departed_flight_landed' }]);
  });

  it('have ids of their own and one place for each entity', () => {
    const all = [requestMessage(flight, undefined), outcomeMessage(flight, undefined), ...(['departure', 'landing'] as const).flatMap((kind) => featureMessages({ kind, atMs: 0, flight }))];
    expect(new Set(all.map(({ value }) => (JSON.parse(value) as { id: string }).id)).size).toBe(all.length);
    expect(all.map(({ key }) => key)).toEqual(['ORD-JFK', predictionIdOf(flight), 'ORD', 'JFK', 'ORD']);
  });
});
