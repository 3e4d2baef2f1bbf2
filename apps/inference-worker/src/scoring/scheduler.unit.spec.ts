import { ContractError } from '@throughline/contracts';
import { describe, expect, it, vi } from 'vitest';
import type { Band } from '../domain/model-queue.js';
import type { ScoringRequest } from '../domain/scoring-request.js';
import type { LoadedModel } from '../serving/loaded-model.js';
import { rowOf, type LiveRow, type Row } from './rows.js';
import { Scheduler } from './scheduler.js';

const model = (more: Partial<LoadedModel> = {}): LoadedModel => ({ model: 'm', version: '1', isInline: true, maxBatchSize: 4, maxDelayMs: 0, comeBack: () => undefined, ...more }) as LoadedModel;

/** A scheduler whose runs last until the test ends them, on a clock that the test sets. */
function installation() {
  const time = { ms: 0 };
  const runs: { model: LoadedModel; ids: string[]; end: (afterMs?: number) => Promise<void> }[] = [];
  const scheduler = new Scheduler({
    clock: { nowMs: () => time.ms, steadyMs: () => time.ms },
    run: (running, rows) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const end = async (afterMs = 0): Promise<void> => {
        time.ms += afterMs;
        for (const row of rows) row.batch = { outputs: [], score: undefined, size: rows.length, preprocessMs: 0, inferenceMs: afterMs, startedMs: time.ms - afterMs, endedMs: time.ms };
        resolve();
        await promise.finally(() => undefined);
        await Promise.resolve();
      };
      runs.push({ model: running, ids: rows.map(({ request }) => request.id), end });
      return promise;
    },
  });
  const done: Row[] = [];
  const row = (id: string, request: Partial<ScoringRequest> = {}): LiveRow => {
    const full = { id, key: id, lane: 'stream', requestedAtMs: time.ms, priority: 5, ...request } as ScoringRequest;
    const created = rowOf({ request: full, rejection: undefined }, { nowMs: time.ms, steadyMs: time.ms }) as LiveRow;
    created.job = { rowsDone: (rows) => void done.push(...rows) };
    return created;
  };
  const submit = (to: LoadedModel, rows: LiveRow[], band: Band = 'prompt'): void => scheduler.submit(to, rows, band);
  return { time, runs, scheduler, done, row, submit };
}

describe('the scheduler', () => {
  it('makes what gathers during a run the next one, up to the largest batch', async () => {
    const { runs, row, submit } = installation();
    const one = model();
    submit(one, [row('a')]);
    submit(one, [row('b'), row('c')]);
    submit(one, [row('d'), row('e'), row('f')]);
    expect(runs.map(({ ids }) => ids)).toEqual([['a']]);
    await runs[0]!.end();
    expect(runs[1]!.ids).toEqual(['b', 'c', 'd', 'e']);
    await runs[1]!.end();
    expect(runs[2]!.ids).toEqual(['f']);
  });

  it('brings a model back to memory beside the runs of others, keeps it there until its turn, and runs then what has gathered', async () => {
    const { runs, row, submit } = installation();
    const { promise: arrival, resolve: arrive } = Promise.withResolvers<() => void>();
    const letGo = vi.fn();
    let isIn = false;
    const away = model({ version: 'away', comeBack: () => (isIn ? undefined : arrival) });
    const other = model({ version: 'other' });
    submit(away, [row('a')]);
    submit(other, [row('b')]);
    submit(away, [row('c')]);
    expect(runs.map(({ ids }) => ids)).toEqual([['b']]);
    isIn = true;
    arrive(letGo);
    await arrival;
    await Promise.resolve();
    expect(letGo).not.toHaveBeenCalled();
    await runs[0]!.end();
    expect(runs.map(({ ids }) => ids)).toEqual([['b'], ['a', 'c']]);
    expect(letGo).toHaveBeenCalledOnce();
  });

  it('tells all who wait for a model that does not come back why, and the others have their turns', async () => {
    const { runs, done, row, submit } = installation();
    const failing = Promise.reject(new ContractError('artifact_hash_mismatch', 'the file is damaged'));
    failing.catch(() => undefined);
    const away = model({ version: 'away', comeBack: () => failing });
    submit(away, ['a', 'b', 'c', 'd', 'e'].map((id) => row(id)));
    submit(away, [row('f')], 'batch');
    submit(model(), [row('g')]);
    await vi.waitFor(() => expect(done.map(({ request, rejection }) => [request.id, rejection?.code]).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'].map((id) => [id, 'artifact_hash_mismatch'])));
    expect(runs.map(({ ids }) => ids)).toEqual([['g']]);
  });

  it('runs one model at a time on the hot thread, and a model with a thread of its own beside it', () => {
    const { runs, row, submit } = installation();
    submit(model(), [row('a')]);
    submit(model(), [row('b')]);
    submit(model({ isInline: false }), [row('c')]);
    expect(runs.map(({ ids }) => ids)).toEqual([['a'], ['c']]);
  });

  it('lets the first row of a batch wait for company no longer than its model says', async () => {
    vi.useFakeTimers();
    try {
      const { runs, row, submit, time } = installation();
      const patient = model({ maxDelayMs: 20 });
      submit(patient, [row('a')]);
      submit(patient, [row('b')]);
      expect(runs).toHaveLength(0);
      time.ms = 20;
      await vi.advanceTimersByTimeAsync(20);
      expect(runs.map(({ ids }) => ids)).toEqual([['a', 'b']]);
      await runs[0]!.end();
      submit(patient, [row('c'), row('d'), row('e'), row('f')]);
      expect(runs[1]!.ids).toEqual(['c', 'd', 'e', 'f']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('refuses up front what its experience says would be late, names it so, and tries one row when it has not run for a while', async () => {
    const { runs, row, submit, done, time } = installation();
    const slow = model();
    for (let n = 0; n < 4; n++) {
      submit(slow, [row(`warm ${n}`)]);
      await runs.at(-1)!.end(100);
    }
    submit(slow, [row('hurry', { deadlineMs: 50 }), row('patient', { deadlineMs: 500 })]);
    const hurry = done.find(({ request }) => request.id === 'hurry')!;
    expect(hurry).toMatchObject({ isPredictedLate: true, rejection: { code: 'deadline_exceeded', reason: expect.stringContaining('predicted') } });
    expect(runs.at(-1)!.ids).toEqual(['patient']);
    await runs.at(-1)!.end(100);
    time.ms += 2000;
    submit(slow, [row('probe', { deadlineMs: 50 })]);
    expect(runs.at(-1)!.ids).toEqual(['probe']);
  });

  it('does not hold a wait for memory, or a run in halves, against the next one', async () => {
    const { runs, row, submit, done, time } = installation();
    const one = model();
    for (let n = 0; n < 4; n++) {
      submit(one, [row(`warm ${n}`)]);
      await runs.at(-1)!.end(1);
    }
    submit(one, [row('slow to come')]);
    time.ms += 5000;
    await runs.at(-1)!.end(1);
    submit(one, [row('next', { deadlineMs: 50 })]);
    expect(done.filter(({ rejection }) => rejection !== undefined)).toEqual([]);
    expect(runs.at(-1)!.ids).toEqual(['next']);
  });

  it('counts who waits ahead when it predicts, but not the flood of another team', async () => {
    const { runs, row, submit, done } = installation();
    const slow = model({ maxBatchSize: 2 });
    for (let n = 0; n < 4; n++) {
      submit(slow, [row(`warm ${n}`)]);
      await runs.at(-1)!.end(10);
    }
    submit(slow, Array.from({ length: 100 }, (_, n) => row(`flood ${n}`, { team: 'flood' })));
    submit(slow, [row('same team', { team: 'flood', deadlineMs: 200 }), row('other team', { team: 'other', deadlineMs: 200 })]);
    expect(done.filter(({ rejection }) => rejection !== undefined).map(({ request }) => request.id)).toEqual(['same team']);
  });

  it('counts the runs of other models on the same thread when it predicts', async () => {
    const { runs, row, submit, done } = installation();
    const [slow, quick] = [model({ model: 'slow' }), model({ model: 'quick' })];
    for (let n = 0; n < 4; n++) {
      submit(slow, [row(`slow ${n}`)]);
      await runs.at(-1)!.end(100);
      submit(quick, [row(`quick ${n}`)]);
      await runs.at(-1)!.end(1);
    }
    submit(slow, [row('under way')]);
    submit(quick, [row('hurry', { deadlineMs: 50 }), row('patient', { deadlineMs: 500 })]);
    expect(done.filter(({ rejection }) => rejection !== undefined).map(({ request }) => request.id)).toEqual(['hurry']);
  });

  it('says of a row whose deadline passed in the queue that it has, not that it would', async () => {
    const { runs, row, submit, done } = installation();
    const one = model({ maxBatchSize: 1 });
    submit(one, [row('a')]);
    submit(one, [row('b', { deadlineMs: 10 })]);
    await runs[0]!.end(50);
    expect(done.find(({ request }) => request.id === 'b')).toMatchObject({ isPredictedLate: false, rejection: { code: 'deadline_exceeded' } });
  });

  it('tells each job of its own rows only', async () => {
    const { runs, row, submit } = installation();
    const told = { first: [] as string[], second: [] as string[] };
    const of = (name: keyof typeof told, id: string): LiveRow => Object.assign(row(id), { job: { rowsDone: (rows: readonly Row[]) => void told[name].push(...rows.map(({ request }) => request.id)) } });
    const one = model();
    submit(one, [of('first', 'a')]);
    submit(one, [of('first', 'b'), of('second', 'c')]);
    await runs[0]!.end();
    await runs[1]!.end();
    expect(told).toEqual({ first: ['a', 'b'], second: ['c'] });
  });
});
