import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { closeTracked, tracked } from '../testing/contract-suite.js';
import { committedSum, eventually, numbered, range, TOPIC } from '../testing/fixtures.js';
import { kafkaInstallation } from '../testing/kafka.js';
import { kafkajs } from './library.js';

type Request = (this: unknown, payload: unknown) => Promise<unknown>;
const { prototype } = createRequire(import.meta.url)('kafkajs/src/broker') as { prototype: Record<'joinGroup' | 'syncGroup', Request> };

vi.setConfig({ testTimeout: 40_000 });
afterEach(async () => {
  vi.restoreAllMocks();
  await closeTracked();
});

describe('a member whose connection is lost while it joins anew', () => {
  it.each(['joinGroup', 'syncGroup'] as const)('handles everything of its new partitions, though the answer to its %s was lost', async (request) => {
    const installation = await kafkaInstallation('kafkajs');
    const [first, second] = [tracked(installation.connect()), tracked(installation.connect())];
    await first.producer.sendAll(range(200).map((n) => numbered(n)));
    for (const member of [first, second]) await member.subscribe({ topic: TOPIC, group: 'lost', handler: async () => {} });
    await eventually(async () => expect(await committedSum(first, 'lost')).toBe(200));
    const answered = prototype[request];
    const losing = vi.spyOn(prototype, request).mockImplementationOnce(async function lose(this: unknown, payload) {
      await answered.call(this, payload);
      throw new kafkajs.KafkaJSConnectionError('the answer was lost');
    });
    await second.stopConsuming();
    await eventually(() => expect(losing).toHaveBeenCalled());
    await first.producer.sendAll(range(200, 200).map((n) => numbered(n)));
    await eventually(async () => expect(await committedSum(first, 'lost')).toBe(400), 25_000);
  });
});
