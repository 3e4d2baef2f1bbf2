import { expect, it } from 'vitest';
import { championBefore } from './champion-before.js';

/** `<2` is a rollback to 2, 0 nobody. */
const before = (history: string): number | undefined =>
  championBefore(history.split(' ').map((one) => ({ champion: Number(one.replace('<', '')) || undefined, isWayBack: one.startsWith('<') })));

it.each<[string, number | undefined]>([
  ['1', undefined], ['1 1', undefined], ['1 2', 1], ['1 2 2', 1], ['1 2 1', 2], ['1 2 0', 2], ['0', undefined], ['1 2 3 <2', 1], ['1 2 3 <2 <1', undefined], ['1 2 3 <2 4', 2], ['1 2 3 <2 3', 2], ['1 2 0 <2', 1],
])('the champion before the last of %s is %s', (history, expected) => expect(before(history)).toBe(expected));
