import type { Band, ModelQueue, Queued } from './model-queue.js';

/** A model that has rows to run. */
export interface Contender {
  readonly queue: Pick<ModelQueue<Queued>, 'topPriority' | 'sizeOf'>;
  /** Turn in which it ran last. */
  lastServed: number;
}

/** Every so many-th turn goes to a model that has only batch rows, if one waits. */
const BATCH_TURN = 8;

/**
 * Which model runs next: the one with the most urgent prompt row; among equals the one whose last turn is longest ago. Models with batch
 * rows alone come when nobody else waits, and in every eighth turn.
 */
export function pickNext<C extends Contender>(contenders: readonly C[], turn: number): C | undefined {
  const prompt = contenders.filter(({ queue }) => queue.sizeOf('prompt') > 0);
  const batch = contenders.filter(({ queue }) => queue.sizeOf('prompt') === 0);
  const isBatchTurn = prompt.length === 0 || (batch.length > 0 && turn % BATCH_TURN === BATCH_TURN - 1);
  return isBatchTurn ? mostUrgent(batch, 'batch') : mostUrgent(prompt, 'prompt');
}

function mostUrgent<C extends Contender>(contenders: readonly C[], band: Band): C | undefined {
  let best = contenders[0];
  for (const one of contenders) {
    const difference = one.queue.topPriority(band) - best!.queue.topPriority(band);
    if (difference < 0 || (difference === 0 && one.lastServed < best!.lastServed)) best = one;
  }
  return best;
}
