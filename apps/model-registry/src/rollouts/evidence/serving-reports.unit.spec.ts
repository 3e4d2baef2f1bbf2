import type { Bus } from '@throughline/bus';
import type { ServingReported } from '@throughline/contracts';
import type { Logger } from '@throughline/telemetry';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ServingReports, SILENT_AFTER_MS } from './serving-reports.js';

const report = (worker: string, over: Partial<ServingReported> = {}): ServingReported => ({ worker, model: 'm', revision: 5, warm: ['1', '2'], cold: [], reportedAt: '2026-11-21T12:00:00Z', ...over });

let reports: ServingReports;
beforeEach(async () => {
  const bus = { follow: async () => ({ caughtUp: Promise.resolve(), lag: 0, stop: async () => undefined }) } as unknown as Bus;
  reports = new ServingReports(bus, {} as Logger);
  reports.onApplicationBootstrap();
  await vi.waitFor(() => expect(reports.warmth('m', '2', 5, 0).waiting).toEqual([]));
});

describe('what workers hold', () => {
  it('is warm, waiting or failed by their last report', () => {
    reports.hear(report('a'), 1000);
    reports.hear(report('b', { warm: ['1'], cold: [{ version: '2' }] }), 1000);
    reports.hear(report('c', { warm: ['1'], cold: [{ version: '2', code: 'artifact_load_failed', reason: 'unknown operator' }] }), 1000);
    reports.hear(report('d', { revision: 4 }), 1000);
    expect(reports.warmth('m', '2', 5, 2000)).toEqual({ waiting: ['b', 'd'], warm: ['a'], failed: [{ worker: 'c', code: 'artifact_load_failed', reason: 'unknown operator' }] });
    reports.hear(report('b'), 1500);
    expect(reports.warmth('m', '2', 5, 2000)).toMatchObject({ waiting: ['d'], warm: ['a', 'b'] });
  });

  it('is no failure where the registry was away, or memory full: that passes', () => {
    for (const code of ['unavailable', 'overloaded', 'model_not_ready', 'internal']) reports.hear(report(code, { warm: ['1'], cold: [{ version: '2', code, reason: 'the registry does not answer' }] }), 1000);
    expect(reports.warmth('m', '2', 5, 2000)).toMatchObject({ waiting: ['internal', 'model_not_ready', 'overloaded', 'unavailable'], failed: [] });
  });

  it('is forgotten of workers that leave or are silent, so that no rollout waits for them', () => {
    reports.hear(report('a'), 1000);
    reports.hear(report('b', { revision: 4 }), 1000);
    reports.hear(report('c', { revision: 4 }), 2000);
    reports.hear(report('b', { revision: 4, leaving: true }), 2000);
    expect(reports.warmth('m', '2', 5, 1000 + SILENT_AFTER_MS)).toMatchObject({ waiting: ['c'], warm: ['a'] });
    expect(reports.warmth('m', '2', 5, 1001 + SILENT_AFTER_MS)).toMatchObject({ waiting: ['c'], warm: [] });
    expect(reports.of('m', 2001 + SILENT_AFTER_MS)).toEqual([]);
  });

  it('counts for nobody else’s version: a worker that no longer is to have it is no obstacle', () => {
    reports.hear(report('a', { revision: 9, warm: ['1'] }), 1000);
    expect(reports.warmth('m', '2', 5, 1000)).toEqual({ waiting: [], warm: [], failed: [] });
    expect(reports.warmth('other', '2', 5, 1000)).toEqual({ waiting: [], warm: [], failed: [] });
  });
});

it('before the reports are read nobody takes an empty list for nobody waiting', () => {
  const endless = { follow: () => new Promise<never>(() => undefined) } as unknown as Bus;
  const unread = new ServingReports(endless, {} as Logger);
  unread.onApplicationBootstrap();
  expect(unread.warmth('m', '2', 5, 0).waiting).toHaveLength(1);
});

it('while the reports are read an earlier word of a worker is not taken for its last', () => {
  const endless = { follow: () => new Promise<never>(() => undefined) } as unknown as Bus;
  const unread = new ServingReports(endless, {} as Logger);
  unread.onApplicationBootstrap();
  unread.hear(report('a', { warm: ['1'], cold: [{ version: '2', code: 'artifact_load_failed', reason: 'then' }] }), 1000);
  expect(unread.warmth('m', '2', 5, 1000)).toMatchObject({ warm: [], failed: [], isUnread: true });
});

it('a registry whose clock is not Kafka’s takes nobody for gone', async () => {
  let say: (atMs: number) => void = () => undefined;
  const bus = {
    follow: async ({ onEvent }: { onEvent: (event: object) => void }) => {
      say = (timestampMs) => onEvent({ data: report('a'), message: { timestampMs } });
      return { caughtUp: Promise.resolve() };
    },
  } as unknown as Bus;
  const ahead = new ServingReports(bus, {} as Logger);
  ahead.onApplicationBootstrap();
  await vi.waitFor(() => expect(ahead.warmth('m', '2', 5, 0).isUnread).toBeUndefined());
  say(Date.now() - 2 * SILENT_AFTER_MS);
  expect(ahead.warmth('m', '2', 5, Date.now())).toMatchObject({ warm: ['a'] });
});
