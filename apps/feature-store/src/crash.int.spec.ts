import type { Bus } from '@throughline/bus';
import { featureKey } from '@throughline/contracts';
import { WindowedAggregator, type FeatureViewDefinition } from '@throughline/features';
import { busOf, eventually, newInstallation, spawnService, type SpawnedService } from '@throughline/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allConsumed, readUpdates, sendObserved, withIds } from './testing/harness.js';

const T0 = Date.UTC(2001, 0, 15);
const EVENTS = 20_000;
const ENTITIES = 60;
const KILLS = 3;
const view: FeatureViewDefinition = {
  name: 'traffic', version: 1, entityType: 'airport',
  features: [{ name: 'departures', event: 'departed', aggregate: 'count', windowSeconds: 86_400 }, { name: 'delay', event: 'departed', aggregate: 'sum', field: 'delay', windowSeconds: 86_400 }],
};

let env: Record<string, string>;
let bus: Bus;
let service: SpawnedService;

beforeAll(async () => {
  env = newInstallation();
  bus = busOf(env);
  await bus.admin.createTopics();
  service = await spawnService('feature-store', env);
  const { entityType, features } = view;
  await fetch(`${service.url}/features/v1/views/traffic`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ entityType, features }) });
}, 60_000);
afterAll(async () => {
  await service?.end('SIGKILL');
  await bus?.close();
});

const remaining = async (): Promise<number> => {
  const offsets = await bus.admin.offsets('feature.observed.v1', 'feature-store');
  return offsets.reduce((sum, { high, committed }) => sum + Number(high - (committed ?? 0n)), 0);
};
describe('a feature store that is killed', () => {
  it('ends with the values of one that was not, and publishes all of them', { timeout: 180_000 }, async () => {
    const events = withIds(Array.from({ length: EVENTS }, (_, i) => ({
      entityId: `A${(i * 7919) % ENTITIES}`, event: 'departed', occurredAtMs: T0 + i * 3000, values: { delay: i % 97 },
    })));
    const expected = new WindowedAggregator(view);
    for (const event of events) expected.add(event);
    for (let start = 0; start < EVENTS; start += 2000) await sendObserved(bus, events.slice(start, start + 2000));

    for (let kill = 1; kill <= KILLS; kill += 1) {
      const target = EVENTS * (1 - kill / (KILLS + 1));
      await eventually('it is in the middle of the work', async () => ((await remaining()) <= target ? true : undefined));
      await service.crash();
      service = await spawnService('feature-store', env);
    }
    await allConsumed(bus);

    const updates = await eventually('the last update of each entity is published', async () => {
      const { last } = await readUpdates(bus);
      const isLast = (id: string): boolean => (last.get(featureKey('traffic', 1, 'airport', id))?.sequence ?? 0) >= expected.current(id)!.sequence;
      return Array.from({ length: ENTITIES }, (_, i) => `A${i}`).every(isLast) ? last : undefined;
    });
    for (let i = 0; i < ENTITIES; i += 1) {
      const { values, sequence } = expected.current(`A${i}`)!;
      expect(updates.get(featureKey('traffic', 1, 'airport', `A${i}`))).toMatchObject({ values, sequence });
    }
  });
});
