import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue } from './fair-queue.js';

function drained<R>(queue: FairQueue<R>): R[] {
  const items: R[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item);
  return items;
}

describe('turns between teams', () => {
  it('gives each team one row at a time, so that a flood delays only itself', () => {
    const queue = new FairQueue<string>();
    for (let n = 0; n < 1000; n++) queue.push('flood', `flood ${n}`);
    for (let n = 0; n < 3; n++) queue.push('small', `small ${n}`);
    expect(drained(queue).slice(0, 6)).toEqual(['flood 0', 'small 0', 'flood 1', 'small 1', 'flood 2', 'small 2']);
  });

  it('keeps the order within a team and loses nothing, however rows come and go', () => {
    const command = fc.oneof(fc.record({ push: fc.constantFrom('a', 'b', 'c') }), fc.constant('shift' as const));
    fc.assert(
      fc.property(fc.array(command, { maxLength: 400 }), (commands) => {
        const queue = new FairQueue<{ team: string; n: number }>();
        const out: { team: string; n: number }[] = [];
        let pushed = 0;
        for (const command of commands) {
          if (command === 'shift') {
            const peeked = queue.peek();
            const item = queue.shift();
            expect(item).toBe(peeked);
            if (item !== undefined) out.push(item);
          } else queue.push(command.push, { team: command.push, n: pushed++ });
          expect(queue.size).toBe(pushed - out.length);
        }
        out.push(...drained(queue));
        expect(out).toHaveLength(pushed);
        for (const team of ['a', 'b', 'c']) {
          const numbers = out.filter((item) => item.team === team).map(({ n }) => n);
          expect(numbers).toEqual(numbers.toSorted((x, y) => x - y));
        }
      }),
    );
  });

  it('never lets a waiting team stand back for two turns of another', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 200 }), (teams) => {
        const queue = new FairQueue<string>();
        for (const team of teams) queue.push(team, team);
        const left = new Map<string, number>();
        for (const team of teams) left.set(team, (left.get(team) ?? 0) + 1);
        const sinceTurn = new Map<string, number>();
        for (const team of drained(queue)) {
          left.set(team, left.get(team)! - 1);
          sinceTurn.set(team, 0);
          for (const [other, rows] of left) {
            if (other === team || rows === 0) continue;
            sinceTurn.set(other, (sinceTurn.get(other) ?? 0) + 1);
            expect(sinceTurn.get(other)).toBeLessThanOrEqual(3);
          }
        }
      }),
    );
  });
});
