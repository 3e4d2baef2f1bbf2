import { setTimeout } from 'node:timers/promises';
import { createBus } from '../create-bus.js';
import type { BusSettings } from '../settings.js';
import { TOPIC } from './fixtures.js';

// Copies every message to another topic, its effect; a test kills it between effect and commit.
const { settings, group } = JSON.parse(process.argv[2]!) as { settings: BusSettings; group: string };
const bus = createBus(settings);
await bus.subscribe({
  topic: TOPIC,
  group,
  maxBatchSize: 50,
  maxInFlightBatches: 3,
  handler: async ({ events }) => {
    await bus.producer.sendAll(events.map(({ message }) => ({ topic: 'outcome.observed.v1', key: message.key!, value: message.value })));
    await setTimeout(3);
  },
});
