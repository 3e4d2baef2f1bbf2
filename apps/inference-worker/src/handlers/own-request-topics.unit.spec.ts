import { ContractError } from '@throughline/contracts';
import type { RunningSubscription } from '@throughline/bus';
import { createLogger } from '@throughline/telemetry';
import { afterEach, describe, expect, it } from 'vitest';
import { OwnRequestTopics } from './own-request-topics.js';

const [A, B] = ['prediction.requested.v1.a', 'prediction.requested.batch.v1.b'];
const logger = createLogger('test');
logger.level = 'silent';

let topics: OwnRequestTopics | undefined;
afterEach(() => topics?.stop());

/** A bus that notes who reads what; whether it is there is the test's. */
function installation() {
  const read = new Set<string>();
  const state = { wanted: new Set<string>(), refusals: 0 };
  const subscription = (topic: string): RunningSubscription => ({ inFlight: 0, pause: () => undefined, resume: () => undefined, stop: async () => void read.delete(topic) });
  topics = new OwnRequestTopics({
    bus: {
      admin: { ensureTopic: async () => ({ created: false }) },
      subscribe: async ({ ownTopic }) => {
        if (state.refusals-- > 0) throw new ContractError('unavailable', 'no brokers');
        read.add(ownTopic!);
        return subscription(ownTopic!);
      },
    },
    group: 'g', scoring: { answer: async () => undefined }, wanted: () => state.wanted, logger, retryMs: 1,
  });
  return { topics, read, state };
}

describe('request topics of deployments', () => {
  it('are all read when deployments come in a burst', async () => {
    const { topics, read, state } = installation();
    await topics.start();
    void topics.changed();
    state.wanted = new Set([A]);
    void topics.changed();
    state.wanted = new Set([A, B]);
    await topics.changed();
    await expect.poll(() => [...read].sort()).toEqual([A, B].sort());
    state.wanted = new Set([B]);
    await topics.changed();
    expect([...read]).toEqual([B]);
  });

  it('are not read before the models are warm, nor after the end', async () => {
    const { topics, read, state } = installation();
    state.wanted = new Set([A]);
    await topics.changed();
    expect(read.size).toBe(0);
    await topics.start();
    expect(read.size).toBe(1);
    await topics.stop();
    expect(read.size).toBe(0);
    state.wanted = new Set([A, B]);
    await topics.changed();
    expect(read.size).toBe(0);
  });

  it('are tried again when they could not be joined', async () => {
    const { topics, read, state } = installation();
    state.refusals = 2;
    state.wanted = new Set([A]);
    await topics.start();
    await expect.poll(() => read.size).toBe(1);
  });
});
