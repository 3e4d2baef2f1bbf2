import type { BreakerPolicy } from '@throughline/contracts';
import { createLogger, renderMetrics } from '@throughline/telemetry';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LoadedModel } from '../serving/loaded-model.js';
import { Breakers } from './breakers.js';

const version = (name: string): LoadedModel => ({ model: 'flights', version: name }) as LoadedModel;
const lines: { level: string; msg: string; version: string; lastFailure?: string; openSeconds?: number; cure?: string }[] = [];
const logger = createLogger('test', { level: 'info', destination: { write: (line) => void lines.push(JSON.parse(line)) } });

let breakers: Breakers;
let policy: BreakerPolicy;
const seven = version('7');
const eight = version('8');

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000, toFake: ['Date'] });
  policy = { failureShare: 0.5, windowSeconds: 10, minCallsPerSecond: 1, openSeconds: 5 };
  lines.length = 0;
  breakers = new Breakers({ policyOf: () => policy, serving: () => [seven, eight], logger });
});

afterEach(() => {
  breakers.onModuleDestroy();
  vi.useRealTimers();
});

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
async function report(model: LoadedModel, succeeded: number, failed: number, times = 1): Promise<void> {
  for (let at = 0; at < times; at++) breakers.report(model, succeeded, failed);
  await settled();
}
const gauge = async (name: string): Promise<string | undefined> => new RegExp(`throughline_breaker_state\\{model="flights",version="${name}"\\} (\\d)`).exec(await renderMetrics())?.[1];

describe('the circuit breaker of a version', () => {
  it('opens when the share of failed runs is reached, for that version alone, and says so once', async () => {
    await report(seven, 10, 0, 10);
    await report(seven, 0, 10, 9);
    expect(breakers.allows(seven)).toBe(true);
    await report(seven, 0, 10);
    expect([breakers.allows(seven), breakers.allows(eight)]).toEqual([false, true]);
    await report(seven, 0, 10, 5);
    expect(lines).toMatchObject([{ level: 'warn', version: '7', msg: expect.stringContaining('circuit open') }]);
    expect([await gauge('7'), await gauge('8')]).toEqual(['2', '0']);
  });

  it('says when it opens what failed last, for how long it asks nobody, and what to do', async () => {
    policy = { ...policy, openSeconds: 7 };
    await report(seven, 0, 1, 9);
    breakers.report(seven, 0, 1, 'unavailable');
    breakers.report(seven, 1, 0);
    await settled();
    expect(lines).toMatchObject([{ level: 'warn', lastFailure: 'unavailable', openSeconds: 7, cure: expect.stringContaining('fallback') }]);
  });

  it('stays closed for poisonous rows in healthy batches, however many', async () => {
    await report(seven, 9, 1, 1000);
    await report(seven, 1, 1, 1000);
    expect(breakers.allows(seven)).toBe(true);
  });

  it('stays closed while there are fewer calls than the policy wants to see', async () => {
    await report(seven, 0, 1, 9);
    expect(breakers.allows(seven)).toBe(true);
    for (let minute = 0; minute < 20; minute++) {
      vi.advanceTimersByTime(60_000);
      await report(seven, 0, 1);
    }
    expect(breakers.allows(seven)).toBe(true);
  });

  it('lets one batch through after a while, and closes when it succeeds', async () => {
    await report(seven, 0, 1, 10);
    vi.advanceTimersByTime(4999);
    expect(breakers.allows(seven)).toBe(false);
    vi.advanceTimersByTime(1);
    expect([breakers.allows(seven), breakers.allows(seven), breakers.allows(seven)]).toEqual([true, false, false]);
    expect(await gauge('7')).toBe('1');
    await report(seven, 5, 0);
    expect(breakers.allows(seven)).toBe(true);
    expect(await gauge('7')).toBe('0');
    expect(lines.map(({ msg }) => msg.split(':')[0])).toEqual(['circuit open', 'circuit half open', 'circuit closed']);
    // What was before does not count against it.
    await report(seven, 0, 1, 5);
    expect(breakers.allows(seven)).toBe(true);
  });

  it('stays open for as long again when that batch fails', async () => {
    await report(seven, 0, 1, 10);
    vi.advanceTimersByTime(5000);
    expect(breakers.allows(seven)).toBe(true);
    await report(seven, 0, 1);
    vi.advanceTimersByTime(4999);
    expect(breakers.allows(seven)).toBe(false);
    vi.advanceTimersByTime(1);
    expect(breakers.allows(seven)).toBe(true);
  });

  it('tries another batch when the first one never came to run', async () => {
    await report(seven, 0, 1, 10);
    vi.advanceTimersByTime(5000);
    expect(breakers.allows(seven)).toBe(true);
    vi.advanceTimersByTime(999);
    expect(breakers.allows(seven)).toBe(false);
    vi.advanceTimersByTime(1);
    expect([breakers.allows(seven), breakers.allows(seven)]).toEqual([true, false]);
    await report(seven, 1, 0);
    expect(breakers.allows(seven)).toBe(true);
  });

  it('is not moved by runs of rows that were under way when it opened', async () => {
    await report(seven, 0, 1, 10);
    await report(seven, 1, 0, 100);
    expect(breakers.allows(seven)).toBe(false);
  });

  it('follows the policy of a new deployment, and keeps its state while that is the same', async () => {
    await report(seven, 0, 1, 10);
    policy = { ...policy };
    expect(breakers.allows(seven)).toBe(false);
    policy = { ...policy, minCallsPerSecond: 100 };
    expect(breakers.allows(seven)).toBe(true);
  });

  it('has the defaults of the contract: half of ten calls in ten seconds, then five seconds', async () => {
    policy = {};
    await report(seven, 1, 0, 5);
    await report(seven, 0, 1, 4);
    expect(breakers.allows(seven)).toBe(true);
    await report(seven, 0, 1);
    expect(breakers.allows(seven)).toBe(false);
    vi.advanceTimersByTime(5000);
    expect(breakers.allows(seven)).toBe(true);
  });

  it('starts afresh for a version that is loaded anew', async () => {
    await report(seven, 0, 1, 10);
    expect(breakers.allows(version('7'))).toBe(true);
  });
});
