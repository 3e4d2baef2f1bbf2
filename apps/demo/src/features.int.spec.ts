import type { Bus } from '@throughline/bus';
import type { FeatureViewDefinition } from '@throughline/features';
import { busOf, eventually, newInstallation, spawnService, type SpawnedService } from '@throughline/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AIRPORT_TRAFFIC } from './domain/airport-traffic.js';
import { FlightFeatures } from './domain/flight-features.js';
import { featureMessages } from './domain/flight-messages.js';
import { readFlights, replayEvents } from './flights/index.js';
import { callJson, jsonBody } from './platform/call.js';
import { PlatformClient } from './platform/platform-client.js';
import { BacklogReader } from './replay/backlogs.js';

/** A morning: some 2,000 flights leave, and many of them land. */
const RANGE = { from: Date.parse('2001-01-29T11:00Z'), to: Date.parse('2001-01-29T14:00Z') };
const PUBLISH_AT_ONCE = 500;

let store: SpawnedService;
let bus: Bus;

beforeAll(async () => {
  const env = newInstallation();
  bus = busOf(env);
  await bus.admin.createTopics();
  store = await spawnService('feature-store', env);
}, 90_000);

afterAll(async () => {
  await store?.end('SIGKILL');
  await bus?.close();
});

it('the feature store, fed through Kafka, holds for every airport exactly what training computes', { timeout: 120_000 }, async () => {
  const view = await new PlatformClient(store.url).putView(AIRPORT_TRAFFIC);
  const offline = new FlightFeatures();
  const airports = new Set<string>();
  const messages = [];
  for await (const event of replayEvents(readFlights(RANGE))) {
    offline.observe(event);
    messages.push(...featureMessages(event));
    airports.add(event.flight.originId).add(event.flight.destinationId);
  }
  for (let start = 0; start < messages.length; start += PUBLISH_AT_ONCE) await bus.producer.sendAll(messages.slice(start, start + PUBLISH_AT_ONCE));
  const backlogs = new BacklogReader(bus.admin, () => performance.now());
  await eventually('everything is consumed', async () => (await backlogs.of('feature-store', 'feature.observed.v1')) === 0);

  const served = await readAll(view, [...airports]);
  expect(airports.size).toBeGreaterThan(150);
  for (const airport of airports) expect([airport, served.get(airport)]).toEqual([airport, offline.stateOf(airport)]);
});

interface OnlineAnswer {
  readonly results: readonly { readonly values: readonly (number | null)[]; readonly event_timestamps: readonly string[] }[];
}

async function readAll({ name, version, entityType, features }: FeatureViewDefinition, entityIds: string[]) {
  const body = { features: features.map((feature) => `${name}@${version}:${feature.name}`), entities: { [entityType]: entityIds } };
  const { results } = await callJson<OnlineAnswer>(`${store.url}/get-online-features`, jsonBody('POST', body));
  const columns = results.slice(1);
  return new Map(entityIds.map((id, row) => [id, { values: columns.map(({ values }) => values[row] ?? Number.NaN), eventTimeMs: Date.parse(columns[0]!.event_timestamps[row]!) }]));
}
