import { isOwnTopic, type AnyTopic, type Bus } from '@throughline/bus';
import { encodeEvent, type Event, type PredictionRejected, type PredictionScored } from '@throughline/contracts';
import { rejected, scored } from '../../testing/events.js';
import type { Installation } from '../../testing/installation.js';

type RequestTopic = AnyTopic<'prediction.requested.v1'>;

/**
 * Stands for the workers: a real member of their group, which commits what it has answered. What it answers the request's id says: `r-…` is rejected,
 * `f-…` answered by a fallback, `lost-…` not answered at all, `held-…` once it is let go, everything else scored.
 */
export class Worker {
  private readonly letGo: Promise<void>;
  release!: () => void;

  constructor(private readonly home: Installation) {
    this.letGo = new Promise((resolve) => (this.release = resolve));
  }

  async serve(topic: RequestTopic): Promise<void> {
    const ownTopic = isOwnTopic(topic) ? topic : undefined;
    await this.home.bus.subscribe({ topic: 'prediction.requested.v1', ownTopic, group: 'inference-worker', handler: async ({ events }) => {
      if (events.some(({ id }) => id.startsWith('held-'))) await this.letGo;
      const answers = events.flatMap((event) => answerTo(event));
      await Promise.all([
        this.home.publish('prediction.scored.v1', answers.flatMap((answer) => ('outputs' in answer ? [{ data: answer }] : []))),
        this.home.publish('prediction.rejected.v1', answers.flatMap((answer) => ('outputs' in answer ? [] : [{ data: answer }]))),
      ]);
    } });
  }
}

function answerTo({ id, message }: Event<'prediction.requested.v1'>): (PredictionScored | PredictionRejected)[] {
  if (id.startsWith('lost-')) return [];
  const common = { requestCoordinates: `${message.topic}/${message.partition}/${message.offset}`, requestedAt: new Date(message.timestampMs).toISOString() };
  if (id.startsWith('r-')) return [rejected(id, common)];
  return [scored(id, id.startsWith('f-') ? { ...common, fallback: { kind: 'constant', reason: 'model_failed' } } : common)];
}

export async function ask(bus: Bus, topic: RequestTopic, ids: readonly string[]): Promise<void> {
  await bus.producer.sendAll(ids.map((id) => ({
    topic, key: id, ...encodeEvent('prediction.requested.v1', { id, source: '/test/producer', timeMs: Date.now(), data: { model: 'flight-delay', features: { hour: 7 } } }),
  })));
}
