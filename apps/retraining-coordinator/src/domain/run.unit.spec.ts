import { ContractError, isValid } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageOf } from './run-messages.js';
import { claim, evolve, isFinished, LEASE_MS, MAX_FAILURES, MAX_LOST_RUNNERS, progress, renew, stumble, succeed, type Run, type RunEvent } from './run.js';

const T0 = Date.UTC(2026, 10, 21);
const requested: RunEvent = { type: 'requested', runId: '6f1d5f3e-2c55-5c0a-9b1e-7d1f3a0c5b42', model: 'late', reason: 'by hand', atMs: T0 };
const given = (...events: RunEvent[]): Run => [requested, ...events].reduce<Run | undefined>(evolve, undefined)!;
const claimed = (epoch: number, atMs: number): RunEvent => ({ type: 'claimed', epoch, owner: `runner-${epoch}`, leaseUntilMs: atMs + LEASE_MS, atMs });
const unavailable = new ContractError('unavailable', 'the ledger does not answer');

describe('a run', () => {
  it('given it was requested, when claimed, then it runs under epoch 1', () => {
    const events = claim(given(), 'a', T0 + 1);
    expect(events).toEqual([{ type: 'claimed', epoch: 1, owner: 'a', leaseUntilMs: T0 + 1 + LEASE_MS, atMs: T0 + 1 }]);
    expect(given(...events)).toMatchObject({ status: 'running', owner: 'a', startedAtMs: T0 + 1 });
  });

  it('given it has a runner, when another wants it, then it stays until the lease has run out', () => {
    const run = given(claimed(1, T0));
    expect(claim(run, 'b', T0 + LEASE_MS - 1)).toEqual([]);
    expect(claim(run, 'b', T0 + LEASE_MS)).toMatchObject([{ type: 'claimed', epoch: 2, owner: 'b' }]);
  });

  it('given its runners keep dying, when claimed once more, then it fails instead of killing another', () => {
    let run = given();
    for (let runner = 1; runner <= MAX_LOST_RUNNERS; runner += 1) run = claim(run, `r${runner}`, T0 + runner * LEASE_MS).reduce<Run>(evolve, run);
    expect(run.epoch).toBe(MAX_LOST_RUNNERS);
    expect(claim(run, 'next', T0 + 10 * LEASE_MS)).toMatchObject([{ type: 'finished', status: 'failed', reason: 'internal: 3 runners ended in the middle of it' }]);
  });

  it('given it was taken over, when the old runner writes, then every write is refused', () => {
    const run = given(claimed(1, T0), claimed(2, T0 + LEASE_MS));
    const step = { stage: 'train', fraction: 0.5, message: '' } as const;
    for (const write of [() => renew(run, 1, T0), () => progress(run, 1, step, T0), () => succeed(run, 1, '', {}, T0), () => stumble(run, 1, unavailable, T0)]) {
      expect(write).toThrow(expect.objectContaining({ code: 'conflict' }));
    }
    expect(progress(run, 2, step, T0)).toHaveLength(2);
  });

  it('given something was unavailable, when it stumbles, then it waits twice as long each time and fails in the end', () => {
    let run = given();
    const waitsMs: number[] = [];
    let nowMs = T0;
    while (!isFinished(run)) {
      run = [...claim(run, 'a', nowMs)].reduce<Run>(evolve, run);
      run = stumble(run, run.epoch, unavailable, nowMs).reduce<Run>(evolve, run);
      if (run.notBeforeMs === undefined) continue;
      expect(claim(run, 'a', run.notBeforeMs - 1)).toEqual([]);
      waitsMs.push(run.notBeforeMs - nowMs);
      nowMs = run.notBeforeMs;
    }
    expect(waitsMs).toEqual(Array.from({ length: MAX_FAILURES - 1 }, (_, i) => 5000 * 2 ** i));
    expect(run).toMatchObject({ status: 'failed', code: 'unavailable', message: 'unavailable: the ledger does not answer' });
  });

  it.each([
    ['insufficient_data', 'rejected'],
    ['invalid_request', 'rejected'],
    ['internal', 'failed'],
    ['artifact_load_failed', 'failed'],
  ] as const)('given it runs, when it stumbles over %s, then it is %s at once', (code, status) => {
    expect(stumble(given(claimed(1, T0)), 1, new ContractError(code, 'so'), T0 + 5)).toEqual([
      { type: 'finished', status, code, reason: `${code}: so`, result: {}, atMs: T0 + 5 },
    ]);
  });

  it('given it has ended, when anything is tried, then it stays as it ended', () => {
    const run = given(claimed(1, T0), { type: 'finished', status: 'succeeded', reason: 'done', result: { candidateVersion: '4' }, atMs: T0 + 9 });
    expect(run).toMatchObject({ status: 'succeeded', fraction: 1, finishedAtMs: T0 + 9, owner: undefined });
    expect(claim(run, 'b', T0 + LEASE_MS * 10)).toEqual([]);
    expect(() => succeed(run, 1, '', {}, T0)).toThrow('is succeeded');
  });

  it('has at most one runner whose writes are taken, whatever happens in whatever order', () => {
    const action = fc.record({ by: fc.constantFrom('a', 'b', 'c'), what: fc.constantFrom('claim', 'renew', 'stumble', 'wait'), ms: fc.integer({ min: 0, max: 2 * LEASE_MS }) });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        let run = given();
        let nowMs = T0;
        const epochs = new Map<string, number>();
        for (const { by, what, ms } of actions) {
          nowMs += what === 'wait' ? ms : 1;
          const before = run;
          const epoch = epochs.get(by) ?? 0;
          try {
            const events = what === 'claim' ? claim(run, by, nowMs) : what === 'renew' ? renew(run, epoch, nowMs) : what === 'stumble' ? stumble(run, epoch, unavailable, nowMs) : [];
            if (events.length > 0 && what !== 'claim') expect(before.owner).toBe(by);
            run = events.reduce<Run>(evolve, run);
            if (what === 'claim' && run.owner === by) epochs.set(by, run.epoch);
          } catch (error) {
            expect(error).toMatchObject({ code: 'conflict' });
          }
        }
        expect(run.epoch).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('messageOf', () => {
  it('tells the world in events that match their contracts', () => {
    const run = given(claimed(1, T0));
    const events: RunEvent[] = [
      requested,
      ...progress(run, 1, { stage: 'train', fraction: 0.5, message: 'iteration 3' }, T0),
      ...succeed(run, 1, 'candidate 4', { candidateVersion: '4', championVersion: '3', candidateMetrics: { auc: 0.7 }, championMetrics: undefined }, T0),
    ];
    const messages = events.flatMap((event) => messageOf(evolve(run, event), event) ?? []);
    expect(messages.map(({ topic, data }) => [topic, isValid(topic, JSON.parse(JSON.stringify(data)))])).toEqual([
      ['retraining.requested.v1', true], ['retraining.progressed.v1', true], ['retraining.finished.v1', true],
    ]);
    expect(new Set(messages.map(({ id }) => id)).size).toBe(3);
  });
});
