import type { IncomingMessage } from 'node:http';

/** A sender who has not read the answer by then does not want it. */
const READ_ON_MS = 15_000;

/**
 * Reads and forgets what is still under way of a request that is refused: a client that still sends does not read the answer, and a connection closed
 * under it would take the answer with it. Not for ever, though.
 */
export function readOn(request: IncomingMessage): void {
  request.unpipe();
  request.resume();
  if (request.complete) return;
  const timer = setTimeout(() => request.destroy(), READ_ON_MS).unref();
  request.once('close', () => clearTimeout(timer));
}
