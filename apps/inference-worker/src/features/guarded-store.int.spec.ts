import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as otherWork } from 'node:timers/promises';
import { renderMetrics } from '@throughline/telemetry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FeatureServer } from '../testing/feature-server.js';
import { FeatureStoreClient } from './feature-store-client.js';
import { GuardedFeatureStore } from './guarded-store.js';

const TIMEOUT_MS = 150;
const wanted = { view: 'airport_delay', viewVersion: 1, entityType: 'airport', features: ['mean_delay'], entityIds: ['SFO', 'JFK'] };

let server: FeatureServer;
let guarded: GuardedFeatureStore;

const guard = (url: string, openMs: number): GuardedFeatureStore => new GuardedFeatureStore({ store: new FeatureStoreClient({ url, timeoutMs: TIMEOUT_MS }), openMs });

beforeEach(async () => {
  server = await FeatureServer.start();
  server.stored.set('SFO', { values: { mean_delay: 12 }, eventTime: '2001-02-03T04:00:00Z', sequence: 1 });
  guarded = guard(server.url, 60_000);
});

afterEach(() => {
  server.close();
  guarded.onModuleDestroy();
});

/** Milliseconds until a read has failed. */
async function failedAfterMs(): Promise<number> {
  const startMs = performance.now();
  await expect(guarded.read(wanted)).rejects.toMatchObject({ code: 'unavailable' });
  return performance.now() - startMs;
}
/** The machine may pause in one of them. */
async function medianFailureMs(count: number): Promise<number> {
  const tookMs: number[] = [];
  for (let read = 0; read < count; read++) tookMs.push(await failedAfterMs());
  return tookMs.sort((a, b) => a - b)[Math.floor(count / 2)]!;
}
const state = async (): Promise<string | undefined> => /^throughline_feature_store_breaker_state (\d)/m.exec(await renderMetrics())?.[1];

describe('a feature store behind its breaker', () => {
  it('is waited for three times when it hangs, and then not at all', async () => {
    server.hangs = true;
    for (let read = 0; read < 3; read++) expect(await failedAfterMs()).toBeGreaterThan(TIMEOUT_MS - 10);
    expect(await medianFailureMs(100)).toBeLessThan(TIMEOUT_MS / 10);
    expect(server.asked).toHaveLength(3);
    expect(await state()).toBe('2');
  });

  it('is not asked any more when its port is closed', async () => {
    server.close();
    for (let read = 0; read < 3; read++) await failedAfterMs();
    await expect(guarded.read(wanted)).rejects.toThrow('has not answered lately');
  });

  it('makes reads that come together wait together, and those after them not at all', async () => {
    server.hangs = true;
    await Promise.all(Array.from({ length: 10 }, () => failedAfterMs()));
    await expect(guarded.read(wanted)).rejects.toThrow('has not answered lately');
    expect(server.asked).toHaveLength(10);
  });

  it('is used again when it answers, and nobody waits to find that out', async () => {
    guarded.onModuleDestroy();
    guarded = guard(server.url, 20);
    server.hangs = true;
    for (let read = 0; read < 3; read++) await failedAfterMs();
    // Its attempts hang, too; reads go on failing at once.
    const untilMs = performance.now() + 3 * TIMEOUT_MS;
    while (performance.now() < untilMs) {
      expect(await medianFailureMs(5)).toBeLessThan(TIMEOUT_MS / 10);
      await otherWork();
    }
    expect(server.asked.length).toBeGreaterThan(3);
    expect(server.asked.at(-1)!.entities).toEqual({ airport: ['SFO'] });
    server.hangs = false;
    await expect.poll(() => guarded.read(wanted).catch(() => undefined)).toBeInstanceOf(Map);
    expect(await guarded.read(wanted)).toEqual(new Map([['SFO', { values: { mean_delay: 12 }, eventTimeMs: Date.parse('2001-02-03T04:00:00Z'), sequence: 1 }], ['JFK', null]]));
    expect(await state()).toBe('0');
  });

  it('goes on being asked when it refuses: an unknown view of one model is no outage for the others', async () => {
    const refusing = createServer((_, response) => void response.writeHead(404).end('no such view'));
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    const store = guard(`http://127.0.0.1:${(refusing.address() as AddressInfo).port}`, 60_000);
    for (let read = 0; read < 10; read++) await expect(store.read(wanted)).rejects.toThrow('answered 404');
    store.onModuleDestroy();
    refusing.close();
    refusing.closeAllConnections();
  });
});
