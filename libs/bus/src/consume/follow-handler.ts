import { decodeEvent, type EventTopic, type WireMessage } from '@throughline/contracts';
import { backoffMs, pauseFor } from './backoff.js';
import { classify } from './classify.js';
import { REPLAY_GROUP_HEADER } from '../dead-letter.js';
import type { Follow } from '../port.js';
import type { BusLogger } from '../settings.js';

/**
 * Hands a follower its messages one by one. A retriable failure is repeated until it passes or the signal is aborted; any other is logged and
 * the message passed over, for a follower has no group whose dead letter it could be.
 */
export function followHandler<T extends EventTopic>(
  follow: Follow<T>,
  logger: BusLogger,
  signal: AbortSignal,
): (messages: readonly WireMessage[]) => Promise<void> {
  const handOver = (message: WireMessage): void | Promise<void> => {
    if (message.value === null) return follow.onTombstone?.(message.key?.toString() ?? '', message);
    const decoded = decodeEvent(follow.topic, message);
    return decoded.ok ? follow.onEvent(decoded) : follow.onUndecodable?.(decoded);
  };
  return async (messages) => {
    for (const message of messages) {
      // A replay is meant for one group, and a follower is none.
      if (message.headers[REPLAY_GROUP_HEADER] !== undefined) continue;
      for (let attempts = 1; !signal.aborted; attempts += 1) {
        try {
          const handed = handOver(message);
          if (handed !== undefined) await handed;
          break;
        } catch (thrown) {
          const error = classify(thrown);
          logger.warn(
            { topic: follow.topic, partition: message.partition, offset: message.offset, code: error.code, reason: error.message, attempts },
            'a follower failed',
          );
          if (!error.retriable) break;
          await pauseFor(backoffMs(attempts, Math.random()), signal);
        }
      }
    }
  };
}
