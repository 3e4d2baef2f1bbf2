import { describe, expect, it } from 'vitest';
import { pickNext, type Contender } from './turn.js';

interface Model extends Contender {
  readonly name: string;
}
const model = (name: string, top: { prompt?: number; batch?: number }, lastServed = 0): Model => ({
  name, lastServed,
  queue: { topPriority: (band) => top[band] ?? Infinity, sizeOf: (band) => (top[band] === undefined ? 0 : 1) },
});

describe('the turn between models', () => {
  it('goes to the most urgent row', () => expect(pickNext([model('a', { prompt: 5 }), model('b', { prompt: 1 }), model('c', { prompt: 9 })], 0)?.name).toBe('b'));
  it('goes round among equals', () => expect(pickNext([model('a', { prompt: 5 }, 7), model('b', { prompt: 5 }, 3)], 0)?.name).toBe('b'));
  it('goes to batch rows when nobody else waits', () => expect(pickNext([model('a', { batch: 5 })], 0)?.name).toBe('a'));
  it('goes to batch rows every eighth time, so that they never starve', () => {
    const waiting = [model('prompt', { prompt: 1 }), model('batch', { batch: 5 })];
    const names = Array.from({ length: 16 }, (_, turn) => pickNext(waiting, turn)?.name);
    expect(names.filter((name) => name === 'batch')).toHaveLength(2);
  });
  it('goes to nobody when nobody waits', () => expect(pickNext([], 0)).toBeUndefined());
});
