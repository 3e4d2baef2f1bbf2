import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelQueue, type Queued, type TakeOptions } from './model-queue.js';

interface Job extends Queued {
  readonly name: string;
}
const job = (name: string, more: Partial<Queued> = {}): Job => ({ name, priority: 5, team: '', deadlineMs: Infinity, ...more });
const options = (more: Partial<TakeOptions> = {}): TakeOptions => ({ maxRows: 256, nowMs: 1000, predictMs: (rows) => rows, mayProbe: false, ...more });
const names = (jobs: readonly Job[]): string[] => jobs.map(({ name }) => name);

function queueOf(prompt: readonly Job[], batch: readonly Job[] = []): ModelQueue<Job> {
  const queue = new ModelQueue<Job>();
  for (const one of prompt) queue.push('prompt', one);
  for (const one of batch) queue.push('batch', one);
  return queue;
}

describe('the next run', () => {
  it('takes priority 1 first, whatever came before', () => {
    const queue = queueOf([job('a', { priority: 9 }), job('b'), job('c', { priority: 1 }), job('d', { priority: 1 })]);
    expect(names(queue.take(options({ maxRows: 3 })).rows)).toEqual(['c', 'd', 'b']);
  });

  it('gives teams of the same priority turns', () => {
    const flood = Array.from({ length: 500 }, (_, n) => job(`flood ${n}`, { team: 'flood' }));
    const queue = queueOf([...flood, job('small', { team: 'small' })]);
    expect(names(queue.take(options({ maxRows: 4 })).rows)).toContain('small');
  });

  it('leaves the batch lane an eighth while prompt rows wait, and all of it when none do', () => {
    const many = (name: string): Job[] => Array.from({ length: 100 }, (_, n) => job(`${name} ${n}`));
    const queue = queueOf(many('prompt'), many('batch'));
    const rows = names(queue.take(options({ maxRows: 64 })).rows);
    expect(rows.filter((name) => name.startsWith('batch'))).toHaveLength(8);
    expect(rows).toHaveLength(64);
    expect(names(queueOf([], many('batch')).take(options({ maxRows: 64 })).rows)).toHaveLength(64);
    // Few prompt rows do not wait for a run that others have filled up.
    expect(queueOf([job('one')], many('batch')).take(options({ maxRows: 64 })).rows).toHaveLength(9);
  });

  it('never starves the batch lane, even of a model that takes one row at a time', () => {
    const queue = queueOf([], [job('batch')]);
    const taken: string[] = [];
    for (let run = 0; run < 8; run++) {
      queue.push('prompt', job('prompt'));
      taken.push(...names(queue.take(options({ maxRows: 1 })).rows));
    }
    expect(taken).toContain('batch');
  });

  it('refuses a row that is predicted to be late, and keeps those that are not', () => {
    const queue = queueOf([job('late', { deadlineMs: 1000.5 }), job('in time', { deadlineMs: 1010 }), job('patient')]);
    const { rows, late } = queue.take(options());
    expect(names(late)).toEqual(['late']);
    expect(names(rows)).toEqual(['in time', 'patient']);
  });

  it('stays so small that nobody in it becomes late', () => {
    const queue = queueOf([job('hurry', { deadlineMs: 1003 }), ...Array.from({ length: 50 }, (_, n) => job(`${n}`))]);
    expect(names(queue.take(options()).rows)).toEqual(['hurry', '0', '1']);
    expect(queue.size).toBe(48);
  });

  it('runs one row as a probe when everything is predicted late, so that a wrong prediction corrects itself', () => {
    const hopeless = (): Job[] => Array.from({ length: 5 }, (_, n) => job(`${n}`, { deadlineMs: 1010 }));
    const slow = { predictMs: () => 1e6 };
    expect(queueOf(hopeless()).take(options(slow)).rows).toEqual([]);
    const { rows, late } = queueOf(hopeless()).take(options({ ...slow, mayProbe: true }));
    expect(names(rows)).toEqual(['0']);
    expect(late).toHaveLength(4);
    // What is over is over.
    expect(queueOf([job('past', { deadlineMs: 999 })]).take(options({ ...slow, mayProbe: true })).rows).toEqual([]);
  });

  it('loses and invents nothing, makes nobody late, and always progresses', () => {
    const anyJob = fc.record({ priority: fc.integer({ min: 1, max: 9 }), team: fc.constantFrom('a', 'b'), deadlineMs: fc.oneof(fc.constant(Infinity), fc.integer({ min: 900, max: 1100 })), band: fc.constantFrom('prompt' as const, 'batch' as const) });
    fc.assert(
      fc.property(fc.array(anyJob, { maxLength: 120 }), fc.integer({ min: 1, max: 40 }), fc.boolean(), (jobs, maxRows, mayProbe) => {
        const queue = new ModelQueue<Job>();
        jobs.forEach(({ band, ...one }, n) => queue.push(band, { ...one, name: `${n}` }));
        const seen: string[] = [];
        while (queue.size > 0) {
          const before = queue.size;
          const { rows, late } = queue.take(options({ maxRows, mayProbe }));
          expect(rows.length).toBeLessThanOrEqual(maxRows);
          expect(queue.size).toBe(before - rows.length - late.length);
          expect(rows.length + late.length).toBeGreaterThan(0);
          if (!mayProbe) for (const { deadlineMs } of rows) expect(deadlineMs).toBeGreaterThanOrEqual(1000 + rows.length);
          seen.push(...names(rows), ...names(late));
        }
        expect(seen.toSorted()).toEqual(jobs.map((_, n) => `${n}`).toSorted());
      }),
    );
  });
});
