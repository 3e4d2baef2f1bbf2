import { ContractError } from '@throughline/contracts';

/**
 * Lets work through in the order it comes, a few at a time, and keeps only so much of it waiting.
 *
 * @returns a function that runs the work in its turn; rejects with `overloaded` when too many wait already
 */
export function limitConcurrency(running: number, waiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = running;
  const queue: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else {
      if (queue.length >= waiting) throw new ContractError('overloaded', `${running} upload(s) are being inspected and ${waiting} wait already`);
      // Whoever ends hands its place over, so that nobody can slip in between.
      await new Promise<void>((resolve) => queue.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
